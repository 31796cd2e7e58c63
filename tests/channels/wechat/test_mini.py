"""The mini-program's door: modes, formats, documented pushes, and what each refusal is called."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto

from bot.channels.wechat.crypto import sign
from bot.channels.wechat.door import BODY_LIMIT
from bot.channels.wechat.messages import Received
from bot.channels.wechat.mini import MiniProgram, MiniSettings
from bot.channels.wechat.push import Format, Mode, Push, PushSender
from bot.errors import Misconfigured, Refused, TooLarge, status_of
from bot.message import Consent, Kind
from tests.channels.wechat import vectors
from tests.channels.wechat.door import APP_ID, KEY, OTHER_KEY, RECEIVED_AT, TOKEN, WIRE

SAFE = MiniSettings(APP_ID, TOKEN, KEY)
PLAIN = MiniSettings(APP_ID, TOKEN, mode="plain")
SENDER = PushSender(APP_ID, TOKEN, KEY, format="json")
PLAIN_SENDER = replace(SENDER, mode="plain")
TIMESTAMP = str(int(WIRE.timestamp()))
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["text", "event"])
)
NAMES = st.text() | st.sampled_from(
    ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "List", "MsgId", "Encrypt"]
)
ANY_JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=20)


def opened_by(settings: MiniSettings, push: Push, *, wire: datetime = WIRE) -> Received:
    return MiniProgram(settings).open(push.query, push.body, wire=wire, received_at=RECEIVED_AT)


def reason(settings: MiniSettings, push: Push, *, wire: datetime = WIRE) -> str:
    with pytest.raises(Refused) as refused:
        opened_by(settings, push, wire=wire)
    assert status_of(refused.value) == (413 if isinstance(refused.value, TooLarge) else 403)
    return refused.value.reason


def said(received: Received) -> str:
    assert received.incoming is not None
    return received.incoming.text


def signed(body: bytes, encrypt: str | None = None) -> Push:
    """Any body with a right signature: of a plain push, or over a ciphertext."""
    query = [("timestamp", TIMESTAMP), ("nonce", "n")]
    if encrypt is None:
        return Push((*query, ("signature", sign(TOKEN, TIMESTAMP, "n"))), body)
    signature = sign(TOKEN, TIMESTAMP, "n", encrypt)
    return Push((*query, ("encrypt_type", "aes"), ("msg_signature", signature)), body)


# the handshake


@pytest.mark.parametrize("form", ["xml", "json"])
def test_documented_handshake_is_answered_with_its_echo(form: Format) -> None:
    mini = MiniProgram(replace(SAFE, token="AAAAA", format=form))
    query = [
        ("signature", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        ("timestamp", "1714036504"),
        ("nonce", "1514711492"),
        ("echostr", "4375120948345356249"),
    ]
    assert mini.handshake(query) == "4375120948345356249"


def test_handshake_under_another_token_is_refused() -> None:
    query = PushSender(APP_ID, "another", KEY).handshake("123", at=WIRE)
    with pytest.raises(Refused, match="wrong_signature"):
        MiniProgram(SAFE).handshake(query)


# what is let in


MATRIX: list[tuple[Mode, str | None, Mode, str | None]] = [
    ("plain", None, "plain", None),
    ("plain", None, "compat", "wrong_mode"),
    ("plain", None, "safe", "wrong_mode"),
    ("plain", KEY, "plain", None),
    ("plain", KEY, "compat", None),
    ("plain", KEY, "safe", None),
    ("compat", KEY, "plain", "wrong_mode"),
    ("compat", KEY, "compat", None),
    ("compat", KEY, "safe", None),
    ("safe", KEY, "plain", "wrong_mode"),
    ("safe", KEY, "compat", None),
    ("safe", KEY, "safe", None),
]


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize(("mode", "key", "pushed", "refused"), MATRIX)
def test_each_mode_lets_in_what_it_says(
    mode: Mode, key: str | None, pushed: Mode, refused: str | None, form: Format
) -> None:
    settings = MiniSettings(APP_ID, TOKEN, key, mode=mode, format=form)
    push = replace(SENDER, mode=pushed, format=form).text("o_1", "36.5 没有症状😷", at=WIRE)
    if refused is None:
        assert said(opened_by(settings, push)) == "36.5 没有症状😷"
    else:
        assert reason(settings, push) == refused


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
@pytest.mark.parametrize(("configured", "pushed"), [("xml", "json"), ("json", "xml")])
def test_only_the_configured_format_is_taken(configured: Format, pushed: Format, mode: Mode) -> None:
    settings = MiniSettings(APP_ID, TOKEN, KEY, mode=mode, format=configured)
    push = replace(SENDER, mode=mode, format=pushed).text("o_1", "36.5", at=WIRE)
    assert reason(settings, push) == "wrong_format"


def test_other_format_inside_of_a_right_envelope_is_refused() -> None:
    encrypt = SENDER.encrypt(b"<xml><MsgType>text</MsgType></xml>")
    assert reason(SAFE, signed(json.dumps({"Encrypt": encrypt}).encode(), encrypt)) == "wrong_format"


def test_xml_and_json_of_one_message_are_the_same_message() -> None:
    fields = {
        "ToUserName": "gh",
        "FromUserName": "o_1",
        "CreateTime": "1582160400",
        "MsgType": "event",
        "Event": "subscribe_msg_popup_event",
        "List": [
            {"TemplateId": "T1", "SubscribeStatusString": "accept", "PopupScene": "0"},
            {"TemplateId": "T2", "SubscribeStatusString": "reject", "PopupScene": "0"},
        ],
    }
    by_json = opened_by(SAFE, SENDER.seal(fields, at=WIRE))  # type: ignore[arg-type]  # values of two types
    by_xml = opened_by(replace(SAFE, format="xml"), replace(SENDER, format="xml").seal(fields, at=WIRE))  # type: ignore[arg-type]  # as above
    assert by_json == by_xml
    assert by_json.incoming is not None
    assert (by_json.incoming.channel, by_json.incoming.kind) == ("wechat_mini", Kind.SUBSCRIPTION)
    assert by_json.incoming.consents == (Consent("T1", given=True), Consent("T2", given=False))
    assert by_json.incoming.received_at == RECEIVED_AT


def test_time_and_id_may_be_numbers_or_texts() -> None:
    heads = '"ToUserName":"gh","FromUserName":"o_1","MsgType":"text","Content":"1"'
    number = opened_by(
        PLAIN, PLAIN_SENDER.seal_json(f'{{{heads},"CreateTime":1582160400,"MsgId":17}}', at=WIRE)
    )
    text = opened_by(
        PLAIN, PLAIN_SENDER.seal_json(f'{{{heads},"CreateTime":"1582160400","MsgId":"17"}}', at=WIRE)
    )
    assert number == text
    assert number.incoming is not None
    assert (number.incoming.key, number.incoming.sent_at) == ("m:17", datetime(2020, 2, 20, 1, 0, tzinfo=UTC))


def test_message_id_of_a_cloud_push_stays_opaque() -> None:
    key = "49d72d67a8f1_1555684067"
    incoming = opened_by(SAFE, SENDER.text("o_1", "1", at=WIRE, msg_id=key)).incoming
    assert incoming is not None
    assert incoming.key == f"m:{key}"


def test_compat_push_is_read_from_its_encrypted_half_only() -> None:
    push = replace(SENDER, mode="compat").text("o_1", "36.5", at=WIRE)
    forged = Push(push.query, push.body.replace(b"36.5", b"39.9").replace(b"o_1", b"o_2"))
    assert forged.body != push.body
    assert said(opened_by(SAFE, forged)) == "36.5"


def test_kind_without_an_answer_is_only_named() -> None:
    push = SENDER.event("o_1", "wxa_media_check", at=WIRE)
    assert (opened_by(SAFE, push).incoming, opened_by(SAFE, push).kind) == (None, "event_wxa_media_check")


# the documented examples


def test_documented_safe_push_is_opened_as_a_kind_without_an_answer() -> None:
    w3 = vectors.W3
    query = (
        ("signature", w3.signature),
        ("timestamp", w3.timestamp),
        ("nonce", w3.nonce),
        ("encrypt_type", "aes"),
        ("msg_signature", w3.msg_signature),
    )
    body = json.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": w3.encrypt}).encode()
    wire = datetime.fromtimestamp(int(w3.timestamp), UTC)
    received = opened_by(
        MiniSettings(w3.app_id, vectors.TOKEN, vectors.AES_KEY), Push(query, body), wire=wire
    )
    assert (received.incoming, received.kind) == (None, "event_other")
    assert (received.account, received.ours) == ("o9AgO5Kd5ggOC-bXrbNODIiE3bGY", "gh_97417a04a28d")


def test_documented_plain_push_is_opened_as_a_kind_without_an_answer() -> None:
    query = (
        ("signature", "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        ("timestamp", "1714037059"),
        ("nonce", "486452656"),
    )
    body = (
        b'{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714037059,'
        b'"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
    )
    wire = datetime.fromtimestamp(1714037059, UTC)
    received = opened_by(replace(PLAIN, token="AAAAA"), Push(query, body), wire=wire)
    assert (received.incoming, received.kind) == (None, "event_other")


def test_documented_answer_is_decrypted_and_signed_as_documented() -> None:
    w4 = vectors.W4
    assert (
        PushSender(w4.app_id, vectors.TOKEN, vectors.AES_KEY, format="json").decrypt(w4.encrypt) == w4.message
    )
    assert sign(vectors.TOKEN, w4.timestamp, w4.nonce, w4.encrypt) == w4.signature


def test_message_encrypted_by_wechatpy_is_opened() -> None:
    document = '{"ToUserName":"gh","FromUserName":"o","CreateTime":1,"MsgType":"text","Content":"好"}'
    oracle = WeChatCrypto(TOKEN, KEY, APP_ID).encrypt_message(document, "n", TIMESTAMP)
    encrypt = oracle.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
    assert said(opened_by(SAFE, signed(json.dumps({"Encrypt": encrypt}).encode(), encrypt))) == "好"


# refusals


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_push_without_its_signature_is_refused(name: str) -> None:
    push = SENDER.text("o_1", "1", at=WIRE)
    assert (
        reason(SAFE, Push(tuple(pair for pair in push.query if pair[0] != name), push.body))
        == "missing_signature"
    )


def test_changed_ciphertext_is_refused_by_its_signature() -> None:
    push = SENDER.text("o_1", "1", at=WIRE)
    changed = push.body.replace(b'"Encrypt": "', b'"Encrypt": "AAAA')
    assert changed != push.body
    assert reason(SAFE, Push(push.query, changed)) == "wrong_signature"


@pytest.mark.parametrize("seconds", [-601, 601])
def test_push_outside_of_the_window_is_stale(seconds: int) -> None:
    wire = WIRE + timedelta(seconds=seconds)
    assert reason(SAFE, SENDER.text("o_1", "1", at=WIRE), wire=wire) == "stale_timestamp"
    assert reason(PLAIN, PLAIN_SENDER.text("o_1", "1", at=WIRE), wire=wire) == "stale_timestamp"


def test_message_for_another_app_is_refused() -> None:
    push = replace(SENDER, app_id="wx0000000000000000").text("o_1", "36.5", at=WIRE)
    assert reason(SAFE, push) == "wrong_app_id"


def test_push_under_the_previous_key_is_opened() -> None:
    settings = replace(SAFE, aes_key=OTHER_KEY, previous_aes_key=KEY)
    assert said(opened_by(settings, SENDER.text("o_1", "36.5", at=WIRE))) == "36.5"


@pytest.mark.parametrize("envelope", ["null", "true", "[]", '{"A": "1"}'])
def test_envelope_whose_ciphertext_is_no_text_has_none(envelope: str) -> None:
    assert reason(SAFE, signed(f'{{"Encrypt": {envelope}}}'.encode(), "AAAA")) == "wrong_mode"
    assert reason(SAFE, signed(b"{}", "AAAA")) == "wrong_mode"


@pytest.mark.parametrize(
    ("envelope", "encrypt"), [('"A*AA"', "A*AA"), ("17", "17"), ('"中文中文"', "中文中文")]
)
def test_envelope_whose_ciphertext_is_no_base64_is_refused(envelope: str, encrypt: str) -> None:
    assert reason(SAFE, signed(f'{{"Encrypt": {envelope}}}'.encode(), encrypt)) == "bad_base64"


def test_envelope_with_two_ciphertexts_is_refused() -> None:
    assert reason(SAFE, signed(b'{"Encrypt": "AAAA", "Encrypt": "BBBB"}', "AAAA")) == "malformed_json"


@pytest.mark.parametrize(
    "document",
    ["{", "{}", "[]", "hello", '{"MsgType":"text"}', '{"MsgType":"text","MsgType":"text"}', '"<xml/>"'],
)
def test_malformed_json_is_refused_inside_and_outside(document: str) -> None:
    assert reason(PLAIN, PLAIN_SENDER.seal_json(document, at=WIRE)) == "malformed_json"
    assert reason(SAFE, SENDER.seal_json(document, at=WIRE)) == "malformed_json"


@pytest.mark.parametrize(
    "wrong",
    [
        {"FromUserName": None},
        {"FromUserName": ""},
        {"FromUserName": ["o_1"]},
        {"FromUserName": "o" * 129},
        {"ToUserName": {}},
        {"CreateTime": 1.5},
        {"CreateTime": "soon"},
        {"CreateTime": True},
        {"MsgType": 1e400},
        {"MsgType": None},
        {"MsgType": "event"},
    ],
)
def test_message_with_a_heading_of_the_wrong_type_is_malformed(wrong: dict[str, Any]) -> None:
    right = {"ToUserName": "gh", "FromUserName": "o_1", "CreateTime": 1, "MsgType": "text", "Content": "1"}
    assert said(opened_by(PLAIN, PLAIN_SENDER.seal_json(json.dumps(right), at=WIRE))) == "1"
    document = json.dumps(right | wrong)
    assert reason(PLAIN, PLAIN_SENDER.seal_json(document, at=WIRE)) == "malformed_json"


def test_malformed_xml_and_a_doctype_are_refused_where_xml_is_set() -> None:
    settings, sender = replace(PLAIN, format="xml"), replace(PLAIN_SENDER, format="xml")
    assert reason(settings, sender.seal_xml("<xml>", at=WIRE)) == "malformed_xml"
    assert reason(settings, sender.seal_xml("<!DOCTYPE xml><xml/>", at=WIRE)) == "doctype"


def test_body_beyond_the_limit_is_too_large() -> None:
    push = PLAIN_SENDER.text("o_1", "x" * BODY_LIMIT, at=WIRE)
    assert reason(PLAIN, push) == "body_too_large"


def test_duplicate_query_key_is_refused() -> None:
    push = SENDER.text("o_1", "1", at=WIRE)
    assert reason(SAFE, Push((*push.query, ("nonce", "2")), push.body)) == "duplicate_query_key"


@given(ANY_JSON)
def test_any_json_body_is_opened_or_refused(value: Any) -> None:
    document = json.dumps(value)
    for settings, sender in ((PLAIN, PLAIN_SENDER), (SAFE, SENDER)):
        push = sender.seal_json(document, at=WIRE)
        try:
            outcome = opened_by(settings, push)
        except Refused as refused:
            assert refused.reason.replace("_", "").isalpha()  # noqa: PT017 - either outcome is right
        else:
            assert outcome.account


@given(st.binary(max_size=300), st.booleans())
def test_rightly_signed_rubbish_is_refused(body: bytes, as_json: bool) -> None:
    settings = replace(PLAIN, format="json" if as_json else "xml")
    assert reason(settings, signed(body)) in {"malformed_json", "malformed_xml", "wrong_format", "doctype"}


# settings


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"app_id": ""}, "YIMA_WECHAT_MINI__APP_ID"),
    ({"token": ""}, "YIMA_WECHAT_MINI__TOKEN"),
    ({"aes_key": None}, "YIMA_WECHAT_MINI__AES_KEY"),
    ({"aes_key": "short"}, "YIMA_WECHAT_MINI__AES_KEY"),
    ({"mode": "open"}, "YIMA_WECHAT_MINI__MODE"),
    ({"window_seconds": 0}, "YIMA_WECHAT_MINI__WINDOW_SECONDS"),
    ({"format": "yaml"}, "YIMA_WECHAT_MINI__FORMAT"),
]


@pytest.mark.parametrize(("changes", "variable"), WRONG)
def test_wrong_setting_stops_the_start_and_is_named(changes: dict[str, Any], variable: str) -> None:
    with pytest.raises(Misconfigured, match=variable):
        MiniProgram(replace(SAFE, **changes))


def test_secrets_and_accounts_do_not_show_in_representations() -> None:
    shown = repr(SAFE) + repr(opened_by(SAFE, SENDER.text("o_1", "36.5", at=WIRE)))
    assert not any(secret in shown for secret in (TOKEN, KEY, "o_1", "36.5"))
