"""Keys in every form in which they are handed out, and what is said about those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bot.channels.alipay.keys import load_private_key, load_public_key, public_base64, read_key_file
from bot.errors import Misconfigured
from tests.channels.alipay.door import OURS, bare, private_pem, public_pem

PKCS1, PKCS8 = private_pem(OURS, PrivateFormat.TraditionalOpenSSL), private_pem(OURS)
SPKI, PUBLIC_PKCS1 = public_pem(OURS), public_pem(OURS, PublicFormat.PKCS1)
CURVE = Ed25519PrivateKey.generate()
CURVE_PEM = CURVE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
LOCKED = OURS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")).decode()


def forms(pem: str) -> list[str]:
    """The same key with the line breaks of every system, on one line, indented, and after a word of its tool."""
    lines = pem.splitlines()
    return [
        pem,
        pem.replace("\n", "\r\n"),
        "\r".join(lines),
        "".join(lines),
        "\n".join(f"  {line}" for line in lines),
        f"\ufeffBag Attributes: none\n{pem}\n\n",
        bare(pem),
        f"{bare(pem)}\r\n",
        "\n".join(bare(pem)[at : at + 76] for at in range(0, len(bare(pem)), 76)),
    ]


@pytest.mark.parametrize("text", [*forms(PKCS1), *forms(PKCS8)])
def test_private_keys_are_read_in_every_form(text: str) -> None:
    assert load_private_key(text).private_numbers() == OURS.private_numbers()


@pytest.mark.parametrize("text", [*forms(SPKI), *forms(PUBLIC_PKCS1)])
def test_public_keys_are_read_in_every_form(text: str) -> None:
    assert load_public_key(text).public_numbers() == OURS.public_key().public_numbers()


def test_public_half_is_written_as_the_console_shows_it() -> None:
    assert public_base64(OURS) == public_base64(OURS.public_key()) == bare(SPKI)


@pytest.mark.parametrize(
    "text", ["", "no key", SPKI, CURVE_PEM, LOCKED, PKCS8[:300], bare(PKCS8)[:-8], "中文"]
)
def test_wrong_private_keys_are_named_by_their_setting_alone(text: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load_private_key(text)
    assert str(refused.value).startswith("YIMA_ALIPAY__PRIVATE_KEY_FILE must hold an RSA private key")
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("text", ["", "no key", PKCS8, PKCS1, SPKI[:200], "中文"])
def test_wrong_public_keys_are_named_by_their_setting_alone(text: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load_public_key(text)
    assert str(refused.value).startswith("YIMA_ALIPAY__ALIPAY_PUBLIC_KEY_FILE must hold the RSA public key")
    assert not text or text not in str(refused.value)


def test_key_files_are_read_with_or_without_a_mark_of_their_encoding(tmp_path: Path) -> None:
    for number, text in enumerate((PKCS8, f"\ufeff{PKCS8}")):
        path = tmp_path / f"{number}.pem"
        path.write_text(text, encoding="utf-8")
        assert read_key_file(str(path), "YIMA_ALIPAY__PRIVATE_KEY_FILE") == PKCS8


def test_key_file_that_cannot_be_read_is_named_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("missing", "binary", ".", "nul\x00"):
        with pytest.raises(
            Misconfigured, match="YIMA_ALIPAY__PRIVATE_KEY_FILE must name a key file"
        ) as refused:
            read_key_file(str(tmp_path / name), "YIMA_ALIPAY__PRIVATE_KEY_FILE")
        assert str(tmp_path) not in str(refused.value)
