"""The RSA keys of Alipay, as consoles and tools hand them out: PEM of either form, or its base64 alone.

What is wrong with one is said by the name of its setting, and never with anything that stands in it.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from bot.errors import Misconfigured

PRIVATE_KEY = "YIMA_ALIPAY__PRIVATE_KEY_FILE"
PUBLIC_KEY = "YIMA_ALIPAY__ALIPAY_PUBLIC_KEY_FILE"
_LARGEST_FILE = 64 * 1024
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----", re.DOTALL)
_SPACE = re.compile(r"[\s\ufeff]+")


def read_key_file(path: str, variable: str) -> str:
    """The text of a key file; Misconfigured names the setting whose file can't be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(_LARGEST_FILE).decode("utf-8-sig")
    except (OSError, ValueError):
        raise Misconfigured(f"{variable} must name a key file that can be read") from None


def load_private_key(text: str, variable: str = PRIVATE_KEY) -> RSAPrivateKey:
    """Our private key from PKCS#1 or PKCS#8, without a password."""
    try:
        key = load_der_private_key(_der(text), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured(f"{variable} must hold an RSA private key (PKCS#1 or PKCS#8, no password)")
    return key


def load_public_key(text: str, variable: str = PUBLIC_KEY) -> RSAPublicKey:
    """The platform's public key."""
    try:
        key = load_der_public_key(_der(text))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise Misconfigured(f"{variable} must hold the RSA public key that the console shows as Alipay's")
    return key


def public_base64(key: RSAPrivateKey | RSAPublicKey) -> str:
    """The public half in base64, on one line and without PEM's marks: how the platform writes it."""
    public = key.public_key() if isinstance(key, RSAPrivateKey) else key
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode("ascii")


def _der(text: str) -> bytes:
    """The bytes of a key, with whatever line breaks its text came with; ValueError if it isn't base64."""
    marked = _PEM.search(text)
    body = _SPACE.sub("", marked.group(2) if marked else text)
    return binascii.a2b_base64(body.encode("ascii"), strict_mode=True)
