"""What is signed, by which rule, with which algorithm."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from bot.channels.alipay.signing import (
    OnePublicKey,
    Signer,
    Verifier,
    checked_types,
    signed_bytes,
    signing_parts,
)
from bot.errors import Misconfigured, Refused
from tests.channels.alipay.door import OTHERS, OURS, THEIRS, Sender, private_pem, public_pem, sign, verify

VECTOR = {
    "app_id": "2021",
    "method": "m",
    "sign_type": "RSA2",
    "empty": "",
    "b": "2",
    "a": "1 +中",
    "sign": "not signed itself",
}
V2 = "a=1 +中&app_id=2021&b=2&method=m&sign_type=RSA2"
V1 = V2.removesuffix("&sign_type=RSA2")


def encoded(charset: str) -> dict[str, bytes]:
    return {name: value.encode(charset) for name, value in VECTOR.items()}


def verifier(*sign_types: str) -> Verifier:
    return Verifier(OnePublicKey(THEIRS.public_key()), sign_types or ("RSA2",))


def form(rule: int = 2, sign_type: str = "RSA2", key: RSAPrivateKey = THEIRS) -> dict[str, bytes]:
    signer = Sender(rule=rule, sign_type=sign_type, charset="utf-8", key=key)
    return {name: value.encode() for name, value in signer.signed({"a": "1 +中", "empty": ""}).items()}


def refusal(parameters: dict[str, bytes], *sign_types: str) -> str:
    with pytest.raises(Refused) as refused:
        verifier(*sign_types).check_form(parameters)
    return refused.value.reason


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "gb18030"])
def test_sign_strings_of_both_rules_are_the_documented_ones(charset: str) -> None:
    assert signed_bytes(encoded(charset), keep_sign_type=True) == V2.encode(charset)
    assert signed_bytes(encoded(charset), keep_sign_type=False) == V1.encode(charset)


def test_request_signature_covers_the_sign_type_and_no_empty_value() -> None:
    verify(OURS, V2.encode(), Signer(OURS, ["RSA2"]).sign_request(VECTOR))


@pytest.mark.parametrize("rule", [1, 2])
def test_forms_signed_by_either_rule_are_taken(rule: int) -> None:
    verifier().check_form(form(rule))


@pytest.mark.parametrize("rule", [1, 2])
def test_weak_algorithm_is_taken_only_where_it_is_configured(rule: int) -> None:
    assert refusal(form(rule, "RSA")) == "wrong_sign_type"
    verifier("RSA2", "RSA").check_form(form(rule, "RSA"))
    verifier("RSA2", "RSA").check_form(form(rule, "RSA2"))


def test_weak_signature_under_a_strong_name_is_refused() -> None:
    weak = form(1, "RSA")
    assert refusal({**weak, "sign_type": b"RSA2"}, "RSA2", "RSA") == "wrong_signature"


@pytest.mark.parametrize("sign_type", [b"", b"rsa2", b"SM2", b"none", b"\xff"])
def test_unknown_sign_types_are_refused(sign_type: bytes) -> None:
    assert refusal({**form(), "sign_type": sign_type}, "RSA2", "RSA") == "wrong_sign_type"


def test_form_without_a_signature_is_refused() -> None:
    assert refusal({**form(), "sign": b""}) == "missing_signature"
    assert refusal({}) == "missing_signature"


@pytest.mark.parametrize("signature", [b"AAAA", b"not base64", "中".encode(), b"=" * 344])
def test_form_with_another_signature_is_refused(signature: bytes) -> None:
    assert refusal({**form(), "sign": signature}) == "wrong_signature"


def test_signatures_of_other_keys_are_refused() -> None:
    for key in (OURS, OTHERS):
        assert refusal(form(key=key)) == "wrong_signature"


@pytest.mark.parametrize("change", [{"a": b"2"}, {"b": b"2"}, {"a": b""}])
def test_changed_added_and_removed_parameters_are_refused(change: dict[str, bytes]) -> None:
    assert refusal(form() | change) == "wrong_signature"


def test_empty_parameters_do_not_count_for_the_signature() -> None:
    verifier().check_form(form() | {"more": b""})


def test_strongest_configured_algorithm_signs_for_us() -> None:
    assert Signer(OURS, ["RSA", "RSA2"]).sign_type == "RSA2"
    assert Signer(OURS, ["RSA"]).sign(b"m") == sign(OURS, b"m", "RSA")


@pytest.mark.parametrize("sign_types", [[], ["RSA3"], ["RSA2", "none"]])
def test_unknown_algorithms_in_the_settings_are_named(sign_types: list[str]) -> None:
    with pytest.raises(Misconfigured, match="YIMA_ALIPAY__SIGN_TYPES"):
        checked_types(sign_types)


def test_our_own_public_key_in_place_of_theirs_is_named() -> None:
    with pytest.raises(Misconfigured, match="YIMA_ALIPAY__ALIPAY_PUBLIC_KEY_FILE holds our own"):
        signing_parts(private_pem(OURS), public_pem(OURS), ["RSA2"])


def test_answer_without_a_known_key_is_not_believed() -> None:
    class NoKey(OnePublicKey):
        def key_for(self, serial: str) -> None:
            return None

    keys = NoKey(THEIRS.public_key())
    assert not Verifier(keys, ["RSA2"]).signed_answer(b"{}", sign(THEIRS, b"{}").encode())
    assert verifier().signed_answer(b"{}", sign(THEIRS, b"{}").encode())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_what_we_signed(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(public_pem(OURS))
    (tmp_path / "signature").write_bytes(b64decode(Signer(OURS, ["RSA2"]).sign_request(VECTOR)))
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature"]
    done = subprocess.run(
        command, input=V2.encode(), cwd=tmp_path, capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout.strip()) == (0, b"Verified OK")
