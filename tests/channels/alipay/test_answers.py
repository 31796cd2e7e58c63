"""The node of an answer, cut out as it stands, and what is believed of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.alipay.aes import ContentCipher
from bot.channels.alipay.answers import AnswerUnusable, PlatformRefused, raw_members, read_answer
from bot.channels.alipay.signing import OnePublicKey, Verifier
from tests.channels.alipay.door import AES_KEY, OTHERS, THEIRS, sealed, sign

METHOD, NODE = "alipay.made.up.call", "alipay_made_up_call_response"
VERIFIER = Verifier(OnePublicKey(THEIRS.public_key()), ["RSA2"])
CIPHER = ContentCipher(AES_KEY)
GOOD = '{"code":"10000","msg":"Success","a":"}"}'
FAILED = '{"code":"40004","msg":"Business Failed","sub_code":"MSG_SD_OVER_TIME","sub_msg":"过期"}'


def signed(node: str, name: str = NODE, *, signature: str | None = None) -> bytes:
    made = sign(THEIRS, node.encode()) if signature is None else signature
    return f'{{"{name}":{node},"sign":"{made}"}}'.encode()


def read(body: bytes, cipher: ContentCipher | None = None) -> dict[str, Any]:
    return dict(read_answer(body, METHOD, verifier=VERIFIER, cipher=cipher))


def unusable(body: bytes, cipher: ContentCipher | None = None) -> str:
    with pytest.raises(AnswerUnusable) as refused:
        read(body, cipher)
    return refused.value.reason


def refused(body: bytes) -> tuple[str, str]:
    with pytest.raises(PlatformRefused) as failed:
        read(body)
    return failed.value.code, failed.value.sub_code


@pytest.mark.parametrize(
    "node",
    [
        GOOD,
        '{"code":"10000","a":"} \\" , ] { \\\\"}',
        '{ "code" : "10000" ,\n "a" : [ { "b" : "}" } ] }',
        '{"code":"10000","a":"\\/","b":"\\u4e2d中","sign":"inner"}',
        '{"code":"10000","error_response":{"sign":"x"}}',
        '{"user_id":"2088000000000001"}',
        '{"code":10000}',
    ],
)
def test_signed_success_is_believed_as_it_stands(node: str) -> None:
    assert read(signed(node)) == json.loads(node)


def test_order_and_blanks_around_the_members_do_not_matter() -> None:
    made = sign(THEIRS, GOOD.encode())
    body = f' \n{{ "alipay_cert_sn" : "7513" , "sign" :\t"{made}" , "{NODE}" : {GOOD} }} \n'
    assert read(body.encode())["a"] == "}"
    assert read(body.replace(NODE, "alipay_made_up\\u005fcall_response").encode())["a"] == "}"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"{NODE}":{GOOD}}}'.encode(),
        signed(GOOD, signature=""),
        signed(GOOD, signature="AAAA"),
        signed(GOOD, signature=sign(OTHERS, GOOD.encode())),
        signed(GOOD, signature=sign(THEIRS, GOOD.replace(" ", "").encode() + b" ")),
        signed(GOOD.replace("Success", "success"), signature=sign(THEIRS, GOOD.encode())),
        signed(FAILED, signature=sign(OTHERS, FAILED.encode())),
        signed('{"code":"40002"}', "error_response", signature="AAAA"),
        f'{{"{NODE}":{GOOD},"sign":["x"]}}'.encode(),
        f'{{"{NODE}":"{sealed(GOOD.encode())}"}}'.encode(),
    ],
)
def test_unsigned_success_and_wrong_signatures_are_not_believed(body: bytes) -> None:
    assert unusable(body, CIPHER) == "alipay_unverified"


def test_failure_is_the_platforms_with_or_without_a_signature() -> None:
    assert refused(signed(FAILED)) == ("40004", "MSG_SD_OVER_TIME")
    assert refused(f'{{"{NODE}":{FAILED}}}'.encode()) == ("40004", "MSG_SD_OVER_TIME")
    error = '{"code":"40002","sub_code":"isv.invalid-app-id"}'
    assert refused(f'{{"error_response":{error}}}'.encode()) == ("40002", "isv.invalid-app-id")
    assert refused(signed(error, "error_response")) == ("40002", "isv.invalid-app-id")
    assert refused(b'{"error_response":{}}') == ("", "")
    assert refused(signed('{"sub_code":"isv.code-invalid"}')) == ("", "isv.code-invalid")


def test_encrypted_node_is_verified_with_its_quotes_and_then_opened() -> None:
    node = f'"{sealed(GOOD.encode())}"'
    assert read(signed(node), CIPHER)["a"] == "}"
    unquoted = sign(THEIRS, node.strip('"').encode())
    assert unusable(signed(node, signature=unquoted), CIPHER) == "alipay_unverified"


@pytest.mark.parametrize("node", ['"AAAA"', f'"{sealed(b"[]")}"', f'"{sealed(b"{")}"', '"中"', '"\\ud800"'])
def test_signed_but_wrongly_encrypted_node_is_unreadable(node: str) -> None:
    assert unusable(signed(node), CIPHER) == "alipay_unreadable"


def test_encrypted_node_without_a_key_is_unreadable() -> None:
    assert unusable(signed(f'"{sealed(GOOD.encode())}"')) == "alipay_unreadable"


@pytest.mark.parametrize("body", [b"<html>502</html>", b"\n <!DOCTYPE html>", b"<"])
def test_page_of_a_proxy_is_told_from_an_answer(body: bytes) -> None:
    assert unusable(body) == "alipay_html"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"sign":"x"}',
        b'{"other_response":{}}',
        b"\xff{}",
        f'{{"{NODE}":{GOOD},"{NODE}":{GOOD}}}'.encode(),
        f'{{"{NODE}":{GOOD},"error_response":{GOOD}}}'.encode(),
        signed(GOOD) + b"x",
        signed("[]"),
        signed("7"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_whatever_is_no_answer_is_unreadable(body: bytes) -> None:
    assert unusable(body) == "alipay_unreadable"


def test_failure_says_nothing_of_what_came_beside_its_code() -> None:
    with pytest.raises(PlatformRefused) as failed:
        read(signed('{"code":"40004","sub_code":"NO_USER","sub_msg":"2088 小明"}'))
    assert str(failed.value) == "platform refused: alipay_NO_USER"


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['}"', "\\", '{"a":1}']
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
STYLES = st.sampled_from([None, 0, 1, "\t"])


@given(
    st.dictionaries(WORDS, VALUES, max_size=5),
    st.dictionaries(WORDS, VALUES, max_size=3),
    STYLES,
    st.booleans(),
)
def test_any_object_in_a_node_is_cut_out_exactly(
    node: dict[str, Any], beside: dict[str, Any], indent: int | str | None, ascii_only: bool
) -> None:
    raw = json.dumps(node, indent=indent, ensure_ascii=ascii_only).replace("/", "\\/")
    others = {name: value for name, value in beside.items() if name != NODE}
    pairs = [f"{json.dumps(name)} : {json.dumps(value, indent=indent)}" for name, value in others.items()]
    pairs.insert(len(pairs) // 2, f'"{NODE}":{raw}')
    members = raw_members(f"{{{' , '.join(pairs)} }}".encode())
    assert members[NODE] == raw.encode()
    assert json.loads(members[NODE]) == node
    assert {name: json.loads(value) for name, value in members.items()} == {**others, NODE: node}


@given(st.dictionaries(WORDS, VALUES, max_size=5))
def test_any_signed_object_is_read_as_json_reads_it(node: dict[str, Any]) -> None:
    node = {name: value for name, value in node.items() if name not in ("code", "sub_code")}
    raw = json.dumps(node, ensure_ascii=False)
    assert read(signed(raw)) == node


@given(st.binary(max_size=200) | st.from_regex(rb'[{}\[\]",:\\a1 ]{1,40}', fullmatch=True))
def test_arbitrary_bodies_are_unusable(body: bytes) -> None:
    assert unusable(body) in {"alipay_html", "alipay_unreadable"}
