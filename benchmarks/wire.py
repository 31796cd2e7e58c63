"""The platform's side of the safe mode, written apart from the service: a yardstick must not share code
with what it measures, nor agree with its mistakes."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32
ENVELOPE = re.compile(
    rb"<Encrypt>(?:<!\[CDATA\[)?([A-Za-z0-9+/=]+)(?:\]\]>)?</Encrypt>\s*"
    rb"<MsgSignature>(?:<!\[CDATA\[)?([0-9a-f]{40})(?:\]\]>)?</MsgSignature>\s*"
    rb"<TimeStamp>(?:<!\[CDATA\[)?(\d+)(?:\]\]>)?</TimeStamp>\s*"
    rb"<Nonce>(?:<!\[CDATA\[)?([^\]<]+)(?:\]\]>)?</Nonce>"
)


class WireError(Exception):
    """The answer is not a sealed message of this account."""


@dataclass(frozen=True)
class Account:
    """An official account as its console shows it; `aes_key` has 43 characters."""

    app_id: str
    original_id: str
    token: str
    aes_key: str

    @cached_property
    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def sign(self, *parts: str) -> str:
        """SHA-1 over the sorted parts and the token."""
        joined = "".join(sorted((self.token, *parts)))
        return hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()

    def encrypt(self, message: bytes, salt: bytes | None = None) -> str:
        """Seal one message; `salt` is 16 random bytes unless a known answer is wanted."""
        app_id = self.app_id.encode()
        plain = (salt or secrets.token_bytes(16)) + len(message).to_bytes(4, "big") + message + app_id
        missing = BLOCK - len(plain) % BLOCK
        encryptor = self._cipher.encryptor()
        sealed = encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def decrypt(self, sealed: str) -> bytes:
        """Open one message; anything that is not exactly ours raises WireError."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            decryptor = self._cipher.decryptor()
            plain = decryptor.update(raw) + decryptor.finalize()
        except ValueError as error:
            raise WireError(f"not a ciphertext: {error}") from error
        padding = plain[-1] if plain else 0
        if not 1 <= padding <= BLOCK or plain[-padding:] != bytes([padding]) * padding:
            raise WireError("wrong padding")
        length = int.from_bytes(plain[16:20], "big")
        if plain[20 + length : -padding] != self.app_id.encode():
            raise WireError("another account's message, or a wrong length")
        return plain[20 : 20 + length]

    def open_answer(self, body: bytes) -> str:
        """Verify and decrypt the envelope of a passive reply; returns the XML inside."""
        found = ENVELOPE.search(body)
        if found is None:
            raise WireError(f"no sealed envelope in {body[:60]!r}")
        sealed, signature, timestamp, nonce = (part.decode() for part in found.groups())
        if self.sign(timestamp, nonce, sealed) != signature:
            raise WireError("the answer's signature is wrong")
        return self.decrypt(sealed).decode()


@dataclass(frozen=True, slots=True)
class Push:
    """One text message of one sender, as the platform delivers it. `created` is in seconds."""

    sender: str
    text: str
    message_id: str
    created: int

    def xml(self, account: Account) -> bytes:
        return (
            f"<xml><ToUserName><![CDATA[{account.original_id}]]></ToUserName>"
            f"<FromUserName><![CDATA[{self.sender}]]></FromUserName>"
            f"<CreateTime>{self.created}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            f"<Content><![CDATA[{self.text}]]></Content><MsgId>{self.message_id}</MsgId></xml>"
        ).encode()


def safe_mode_request(account: Account, push: Push, path: str) -> bytes:
    """The whole HTTP/1.1 request, ready for the socket: signed, encrypted, with a fresh nonce."""
    sealed = account.encrypt(push.xml(account))
    timestamp, nonce = str(push.created), str(secrets.randbelow(9 * 10**9) + 10**9)
    query = urlencode(
        {
            "signature": account.sign(timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": push.sender,
            "encrypt_type": "aes",
            "msg_signature": account.sign(timestamp, nonce, sealed),
        }
    )
    body = (
        f"<xml><ToUserName><![CDATA[{account.original_id}]]></ToUserName>"
        f"<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    ).encode()
    head = (
        f"POST {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\n"
        f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    return head + body
