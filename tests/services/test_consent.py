"""Which words answer the question of consent, and what is recorded of the answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.pending import storable
from bot.message import Incoming, Kind
from bot.services.consent import CONSENT_VERSION, GIVEN, agrees, answers_consent, note_consent, refuses
from bot.store.snapshot import Account
from bot.store.work import Work

NOW = datetime(2020, 3, 20, 4, tzinfo=UTC)
AGREEING = ("同意", "我同意", "我已阅读并同意。", "agree", "I agree!", " AGREE ")
REFUSING = ("不同意", "我不同意！", "disagree", "I don't agree", "I don’t agree", "i do not agree.")
SHORT = ("yes", "No.", "1", "２")


@pytest.mark.parametrize("text", AGREEING)
def test_agreeing_is_never_taken_for_refusing(text: str) -> None:
    assert agrees(text)
    assert not refuses(text)


@pytest.mark.parametrize("text", REFUSING)
def test_refusing_is_never_taken_for_agreeing(text: str) -> None:
    assert refuses(text)
    assert not agrees(text)


@pytest.mark.parametrize("text", [*AGREEING, *REFUSING, *SHORT])
def test_whatever_answers_it_may_be_kept_before_consent(text: str) -> None:
    assert storable(_said(text), "asked").text == text


@pytest.mark.parametrize("text", ["同意，我叫李小梅", "我同意吗", "13900000001", "", "agree to what", "12"])
def test_whatever_says_more_is_not_kept_before_consent(text: str) -> None:
    assert not answers_consent(text)
    assert storable(_said(text), None).text == ""
    assert storable(_said(text), GIVEN).text == text


@given(st.text(max_size=30))
def test_no_text_both_agrees_and_refuses(text: str) -> None:
    assert not (agrees(text) and refuses(text))


def test_an_answer_is_recorded_with_time_and_version() -> None:
    account, work = Account(id=7, channel="simulator", external_index="k:0"), Work(now=NOW)
    note_consent(work, account, GIVEN)
    assert account.consent == GIVEN
    written = [(each.table, each.row) for each in work.writes]
    assert written == [
        ("accounts", {"id": 7, "consent": GIVEN, "consent_at": NOW, "consent_version": CONSENT_VERSION})
    ]


def _said(text: str) -> Incoming:
    return Incoming(channel="simulator", account="li", key="k", kind=Kind.TEXT, text=text, received_at=NOW)
