"""Whatever arrives at the door is opened or refused, and whatever is opened was said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wechat.crypto import sign
from bot.channels.wechat.official import OfficialAccount, OfficialSettings, Opened
from bot.channels.wechat.push import Mode, PushSender, to_xml
from bot.errors import Refused
from bot.message import Reply

WIRE = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
TIMESTAMP = str(int(WIRE.timestamp()))
APP_ID, TOKEN, KEY = "wx49f0ab532d5d035a", "a-token", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
SENDER = PushSender(APP_ID, TOKEN, KEY)
ACCOUNTS = (
    OfficialAccount(OfficialSettings(APP_ID, TOKEN, KEY)),
    OfficialAccount(OfficialSettings(APP_ID, TOKEN, KEY, previous_aes_key="B" * 43, mode="compat")),
    OfficialAccount(OfficialSettings(APP_ID, TOKEN, mode="plain")),
)
PARAMETERS = st.sampled_from(
    ["signature", "msg_signature", "timestamp", "nonce", "encrypt_type", "echostr", "openid"]
)
VALUES = st.text(st.characters()) | st.sampled_from(["aes", "raw", TIMESTAMP, "0" * 40])
QUERIES = st.lists(st.tuples(PARAMETERS, VALUES), max_size=7)
MODES: tuple[Mode, ...] = ("plain", "compat", "safe")
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))


def open_or_reason(account: OfficialAccount, query: list[tuple[str, str]], body: bytes) -> Opened | str:
    try:
        return account.open(query, body, wire=WIRE, received_at=WIRE)
    except Refused as refused:
        return refused.reason


def signed_query(*encrypt: str) -> list[tuple[str, str]]:
    name = "msg_signature" if encrypt else "signature"
    query = [("timestamp", TIMESTAMP), ("nonce", "n"), (name, sign(TOKEN, TIMESTAMP, "n", *encrypt))]
    return [*query, ("encrypt_type", "aes")] if encrypt else query


@given(st.sampled_from(ACCOUNTS), QUERIES, st.binary(max_size=300))
def test_arbitrary_requests_are_refused_with_a_reason(
    account: OfficialAccount, query: list[tuple[str, str]], body: bytes
) -> None:
    outcome = open_or_reason(account, query, body)
    assert isinstance(outcome, str)
    assert outcome.replace("_", "").isalpha()


@given(st.sampled_from(ACCOUNTS), QUERIES)
def test_arbitrary_handshakes_are_refused_with_a_reason(
    account: OfficialAccount, query: list[tuple[str, str]]
) -> None:
    with pytest.raises(Refused) as refused:
        account.handshake(query)
    assert refused.value.reason in {"duplicate_query_key", "missing_signature", "wrong_signature"}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_rightly_signed_rubbish_is_refused(encrypt: str) -> None:
    body = to_xml({"Encrypt": encrypt}).encode()
    assert isinstance(open_or_reason(ACCOUNTS[0], signed_query(encrypt), body), str)


@given(st.binary(max_size=300))
def test_rightly_encrypted_rubbish_is_refused(message: bytes) -> None:
    encrypt = SENDER.encrypt(message)
    body = to_xml({"Encrypt": encrypt}).encode()
    assert open_or_reason(ACCOUNTS[0], signed_query(encrypt), body) in {"malformed_xml", "doctype"}


@given(st.binary(max_size=300))
def test_rightly_signed_plain_rubbish_is_refused(body: bytes) -> None:
    assert open_or_reason(ACCOUNTS[2], signed_query(), body) in {"malformed_xml", "doctype"}


@given(st.data())
def test_one_changed_byte_of_a_safe_push_changes_nothing_or_is_refused(data: st.DataObject) -> None:
    push = SENDER.text("o_1", "36.5", at=WIRE, msg_id="1")
    position = data.draw(st.integers(0, len(push.body) - 1))
    changed = bytearray(push.body)
    changed[position] = data.draw(st.integers(0, 255))
    outcome = open_or_reason(ACCOUNTS[0], list(push.query), bytes(changed))
    if isinstance(outcome, Opened):
        assert outcome.incoming is not None
        assert (outcome.incoming.account, outcome.incoming.text) == ("o_1", "36.5")


@given(st.sampled_from(MODES), WORDS, WORDS)
def test_every_word_survives_the_way_there_and_back(mode: Mode, asked: str, answered: str) -> None:
    sender = replace(SENDER, mode=mode)
    account = OfficialAccount(OfficialSettings(APP_ID, TOKEN, KEY, mode="plain"))
    push = sender.text("o_1", asked, at=WIRE)
    opened = account.open(push.query, push.body, wire=WIRE, received_at=WIRE)
    assert opened.incoming is not None
    assert opened.incoming.text == asked
    answer = sender.answer(account.seal(Reply.of(answered), opened, wire=WIRE))
    assert (None if answer is None else answer["Content"]) == (answered if answered.strip() else None)
