"""Alipay's signatures: what is signed of a form, ours over requests and answers, and theirs over what they send.

What is signed are the parameters without `sign` and without empty values, sorted by name and joined as `k=v&k=v`,
in the bytes of the form's charset. Rule V1 leaves `sign_type` out too, rule V2 keeps it; the platform uses both and
says nowhere reliably which, so that either is taken. That weakens nothing: the algorithm is one of those configured.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from bot.channels.alipay.keys import PUBLIC_KEY, load_private_key, load_public_key, public_base64
from bot.errors import Misconfigured, Refused

PREFIX = "YIMA_ALIPAY__"
# From the strongest to the weakest.
_HASHES: Mapping[str, type[HashAlgorithm]] = {"RSA2": SHA256, "RSA": SHA1}


class PublicKeys(Protocol):
    """Which of the platform's keys signed something, and what our requests say about our own.

    Public-key mode is `OnePublicKey`. Certificate mode would be a second implementation, which

    - has `request_parameters` of `app_cert_sn` (md5 of issuer and serial number of our certificate) and
      `alipay_root_cert_sn` (the same of each RSA certificate in the root file, joined by `_`; the SM2 one, which
      can't be parsed, is skipped);
    - keeps the platform's certificates by serial number: an answer names its own in `alipay_cert_sn`, beside the
      node. For one that isn't known `key_for` is None; the client then calls
      `alipay.open.app.alipaycert.download`, verifies the chain up to the root certificate, adds it and asks again;
    - sets `shows_our_key` to False: the answer to an activation is then `<success>true</success>` alone.
    """

    shows_our_key: bool

    def key_for(self, serial: str) -> RSAPublicKey | None:
        """The key of the certificate with this serial number; without one ("") the key in use."""

    def request_parameters(self) -> Mapping[str, str]:
        """What every request says besides."""


class OnePublicKey:
    """Public-key mode: the one key that the console shows as the platform's."""

    shows_our_key = True

    def __init__(self, key: RSAPublicKey) -> None:
        self._key = key

    def key_for(self, serial: str) -> RSAPublicKey | None:
        return self._key

    def request_parameters(self) -> Mapping[str, str]:
        return {}


class Signer:
    """Signs with our private key, by the strongest algorithm that is configured."""

    def __init__(self, key: RSAPrivateKey, sign_types: Iterable[str]) -> None:
        self.sign_type = checked_types(sign_types)[0]
        self.public_base64 = public_base64(key)
        self._key = key

    def sign(self, message: bytes) -> str:
        """The signature in base64."""
        signature = self._key.sign(message, PKCS1v15(), _HASHES[self.sign_type]())
        return binascii.b2a_base64(signature, newline=False).decode("ascii")

    def sign_request(self, parameters: Mapping[str, str]) -> str:
        """The signature of a request of ours in UTF-8, which is by rule V2: `sign_type` is signed too."""
        encoded = {name: value.encode() for name, value in parameters.items()}
        return self.sign(signed_bytes(encoded, keep_sign_type=True))


class Verifier:
    """Checks what the platform signed; only the configured algorithms count, whatever a message asks for."""

    def __init__(self, keys: PublicKeys, sign_types: Iterable[str]) -> None:
        self._keys = keys
        self._types = checked_types(sign_types)

    def check_form(self, parameters: Mapping[str, bytes]) -> None:
        """Refuse a form whose signature is right by neither rule."""
        signature = parameters.get("sign", b"")
        if not signature:
            raise Refused("missing_signature")
        sign_type = parameters.get("sign_type", b"").decode("latin-1")
        if sign_type not in self._types:
            raise Refused("wrong_sign_type")
        for keep_sign_type in (False, True):
            message = signed_bytes(parameters, keep_sign_type=keep_sign_type)
            if self._is_signed(message, signature, sign_type):
                return
        raise Refused("wrong_signature")

    def signed_answer(self, node: bytes, signature: bytes, *, serial: str = "") -> bool:
        """Whether the platform signed these bytes of an answer, in which no algorithm is named."""
        return any(self._is_signed(node, signature, sign_type, serial) for sign_type in self._types)

    def _is_signed(self, message: bytes, signature: bytes, sign_type: str, serial: str = "") -> bool:
        key = self._keys.key_for(serial)
        if key is None:
            return False
        try:
            raw = binascii.a2b_base64(signature, strict_mode=True)
            key.verify(raw, message, PKCS1v15(), _HASHES[sign_type]())
        except (ValueError, InvalidSignature):
            return False
        return True


def signed_bytes(parameters: Mapping[str, bytes], *, keep_sign_type: bool) -> bytes:
    """What is signed of these parameters; `keep_sign_type` tells rule V2 from V1."""
    left_out = {"sign"} if keep_sign_type else {"sign", "sign_type"}
    kept = ((name, parameters[name]) for name in sorted(parameters) if name not in left_out)
    return b"&".join(name.encode() + b"=" + value for name, value in kept if value)


def checked_types(sign_types: Iterable[str]) -> tuple[str, ...]:
    """The configured algorithms, the strongest first; Misconfigured for none and for unknown ones."""
    wanted = frozenset(sign_types)
    if not wanted or not wanted <= _HASHES.keys():
        raise Misconfigured(f"{PREFIX}SIGN_TYPES must be RSA2, or RSA2,RSA")
    return tuple(name for name in _HASHES if name in wanted)


def signing_parts(
    private_key: str, alipay_public_key: str, sign_types: Iterable[str]
) -> tuple[Signer, PublicKeys]:
    """Our key to sign with and the platform's to verify with; Misconfigured if they are one pair."""
    private, public = load_private_key(private_key), load_public_key(alipay_public_key)
    if public_base64(private) == public_base64(public):
        raise Misconfigured(f"{PUBLIC_KEY} holds our own public key; Alipay's is needed")
    return Signer(private, sign_types), OnePublicKey(public)
