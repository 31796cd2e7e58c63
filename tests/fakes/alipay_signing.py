"""How Alipay signs and seals, worked out here a second time, so that a mistake of the service can't cancel out.

Nothing of `bot.channels.alipay` is imported: what both agree on was written down twice.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

HASHES: Mapping[str, hashes.HashAlgorithm] = {"RSA2": hashes.SHA256(), "RSA": hashes.SHA1()}
NO_IV = bytes(16)


@cache
def key_of(owner: str) -> rsa.RSAPrivateKey:
    """A key pair for a name, the same one throughout a process: making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey, *, pkcs8: bool = True) -> str:
    form = serialization.PrivateFormat.PKCS8 if pkcs8 else serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem(key: rsa.RSAPublicKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def public_base64(key: rsa.RSAPublicKey) -> str:
    """A public key as the console shows it: one line, without the lines of PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_bytes(serialization.Encoding.DER, form)).decode()


def signature(key: rsa.RSAPrivateKey, content: bytes, sign_type: str = "RSA2") -> str:
    return base64.b64encode(key.sign(content, PKCS1v15(), HASHES[sign_type])).decode()


def verifies(key: rsa.RSAPublicKey, content: bytes, signed: str, sign_type: str = "RSA2") -> bool:
    """Whether the signature is base64 and the key's own; an unknown sign type is none."""
    if sign_type not in HASHES:
        return False
    try:
        key.verify(base64.b64decode(signed, validate=True), content, PKCS1v15(), HASHES[sign_type])
    except (ValueError, InvalidSignature):
        return False
    return True


def sign_string(params: Mapping[str, str], *, without: tuple[str, ...]) -> str:
    """Sorted `k=v` joined by `&`: real values, without the empty ones and those named."""
    return "&".join(
        f"{name}={params[name]}" for name in sorted(params) if params[name] and name not in without
    )


def notice_string(params: Mapping[str, str], version: int) -> str:
    """What a callback signs: version 1 drops the sign type, version 2 keeps it."""
    return sign_string(params, without=("sign", "sign_type") if version == 1 else ("sign",))


def request_string(params: Mapping[str, str]) -> str:
    """What a request to the gateway signs: everything but the signature."""
    return sign_string(params, without=("sign",))


def encrypt(text: bytes, aes_key: str) -> str:
    """AES-128-CBC with an IV of zeros and PKCS7, in base64; the key is base64 of 16 bytes."""
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(base64.b64decode(aes_key)), modes.CBC(NO_IV)).encryptor()
    padded = padder.update(text) + padder.finalize()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(sealed: str, aes_key: str) -> bytes:
    """The text behind what `encrypt` gave; ValueError for anything else."""
    decryptor = Cipher(algorithms.AES(base64.b64decode(aes_key)), modes.CBC(NO_IV)).decryptor()
    padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()
