"""Each kind of failure does what its row of the table says, and what went out is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.outbound import Effect, SendFailed, Sent, Trouble, Way
from bot.notices.claims import Claimed
from bot.notices.outcomes import RULES, Ended, Verdict, backoff, decide, write
from bot.notices.reachability import Channel
from bot.store.database import Database, Session
from tests.conversation.world import keys
from tests.notices.persons import NOON, Persons

CLAIMED = Claimed(
    id=77, resident_id=0, person_id=1, account_id=1, kind="colour_changed", params_sealed=b"", priority=0,
    created_at=NOON, expires_at=NOON + timedelta(days=3), attempts=1, failures=0,
)  # fmt: skip
CHANNEL = Channel(1, 1, "wechat_official", Way.CUSTOMER_SERVICE, b"", "zh", window="window")
AGAIN = [trouble for trouble in Trouble if RULES[trouble].again]


def ended(
    trouble: Trouble,
    reason: str = "code",
    notice: Claimed = CLAIMED,
    *,
    idempotent: bool = False,
    **more: float,
) -> Ended:
    return Ended(notice, CHANNEL, SendFailed(trouble, reason, **more), idempotent)  # type: ignore[arg-type]  # retry_after


def waits(verdict: Verdict) -> float:
    assert verdict.try_at is not None
    return (verdict.try_at - NOON).total_seconds()


def test_every_kind_of_trouble_has_its_row() -> None:
    assert set(RULES) == set(Trouble)


def test_sent_notice_is_sent_and_counted() -> None:
    verdict = decide(Ended(CLAIMED, CHANNEL, Sent("p")), NOON)
    assert (verdict.state, verdict.reason, verdict.spent) == ("sent", "", True)


@pytest.mark.parametrize("trouble", AGAIN)
def test_what_may_work_later_is_queued_again_and_not_counted_as_sent(trouble: Trouble) -> None:
    verdict = decide(ended(trouble), NOON)
    assert (verdict.state, verdict.spent) == ("queued", False)


@pytest.mark.parametrize("trouble", [Trouble.TOKEN, Trouble.QUOTA, Trouble.PERMISSION])
def test_trouble_of_the_app_is_no_failure_of_the_notice_and_waits_for_the_pause(trouble: Trouble) -> None:
    verdict = decide(ended(trouble, retry_after=1234.0), NOON)
    assert (verdict.failures, waits(verdict), verdict.way) == (0, 1234.0, "")
    assert waits(decide(ended(trouble), NOON)) >= 60


def test_retry_counts_a_failure_and_keeps_its_way() -> None:
    verdict = decide(ended(Trouble.RETRY), NOON)
    assert (verdict.failures, verdict.way) == (1, "customer_service")
    assert 8 <= waits(verdict) <= 12


def test_retry_waits_as_long_as_the_platform_asks() -> None:
    assert waits(decide(ended(Trouble.RETRY, retry_after=400.0), NOON)) == 400


@given(st.integers(1, 2**62))
def test_waits_grow_and_stay_within_a_fifth_of_their_steps(notice_id: int) -> None:
    found = [backoff(notice_id, failures) for failures in range(1, 8)]
    for wait, step in zip(found, (10, 30, 120, 600, 1800, 1800, 1800), strict=True):
        assert 0.8 * step <= wait <= 1.2 * step


def test_notices_that_failed_together_do_not_come_back_together() -> None:
    assert len({backoff(notice_id, 1) for notice_id in range(1000, 1100)}) > 90


def test_retry_that_would_come_too_late_is_a_failure() -> None:
    late = replace(CLAIMED, failures=4, expires_at=NOON + timedelta(minutes=20))
    verdict = decide(ended(Trouble.RETRY, notice=late), NOON)
    assert (verdict.state, verdict.reason, verdict.try_at) == ("failed", "code", None)


def test_refused_recipient_is_queued_at_once_for_another_way() -> None:
    verdict = decide(ended(Trouble.RECIPIENT), NOON)
    assert (verdict.failures, waits(verdict)) == (0, 0)


def test_same_refusal_on_the_same_way_is_the_last_one() -> None:
    again = replace(CLAIMED, last_way="customer_service", last_reason="code")
    assert decide(ended(Trouble.RECIPIENT, notice=again), NOON).state == "failed"
    assert decide(ended(Trouble.RECIPIENT, "other", again), NOON).state == "queued"
    other_way = replace(again, last_way="template")
    assert decide(ended(Trouble.RECIPIENT, notice=other_way), NOON).state == "queued"


def test_refusals_that_go_round_in_a_circle_come_to_an_end() -> None:
    assert decide(ended(Trouble.RECIPIENT, notice=replace(CLAIMED, attempts=30)), NOON).state == "failed"


def test_refused_content_fails_for_good() -> None:
    verdict = decide(ended(Trouble.CONTENT), NOON)
    assert (verdict.state, verdict.reason, verdict.spent) == ("failed", "code", False)


def test_unknown_outcome_is_counted_as_sent_and_not_repeated() -> None:
    verdict = decide(ended(Trouble.UNKNOWN), NOON)
    assert (verdict.state, verdict.try_at, verdict.spent) == ("unknown", None, True)


def test_unknown_outcome_on_an_idempotent_way_is_tried_again() -> None:
    verdict = decide(ended(Trouble.UNKNOWN, idempotent=True), NOON)
    assert (verdict.state, verdict.failures, verdict.spent) == ("queued", 1, False)


def test_long_reason_is_cut_to_the_column() -> None:
    assert len(decide(ended(Trouble.CONTENT, "x" * 80), NOON).reason) == 48


@pytest.fixture
def persons(database: Database) -> Persons:
    return Persons(database)


async def sending(persons: Persons, **changes: object) -> Ended:
    """A notice that "one" is sending through the window of somebody, whose outcome is `result`."""
    account = await persons.account()
    notice_id = await persons.notice(
        account, **{"state": "sending", "owner": "one", "attempts": 1, "sent_at": None} | changes
    )
    claimed = replace(CLAIMED, id=notice_id, person_id=account, account_id=account)
    return Ended(claimed, replace(CHANNEL, account_id=account, person_id=account), Sent("p1"))


async def write_all(persons: Persons, *all_ended: Ended, owner: str = "one") -> None:
    async def body(session: Session) -> None:
        await write(session, all_ended, owner=owner, now=NOON, wire=NOON, keys=keys())

    await persons.database.transaction(body)


async def test_outcomes_of_many_sends_are_written_together(persons: Persons) -> None:
    good, bad = await sending(persons), await sending(persons)
    bad = replace(bad, result=SendFailed(Trouble.CONTENT, "wechat_47003", field_name="thing1"))
    await write_all(persons, good, bad)
    rows = await persons.rows("SELECT id, state, reason, platform_id, owner, sent_at IS NULL FROM notices")
    assert sorted(rows) == sorted(
        [
            (good.notice.id, "sent", "", "p1", "", False),
            (bad.notice.id, "failed", "wechat_47003", None, "", True),
        ]
    )


@pytest.mark.parametrize("changes", [{"owner": "two"}, {"attempts": 2}, {"state": "unknown"}])
async def test_claim_that_was_taken_away_is_left_as_it_is(
    persons: Persons, changes: dict[str, object]
) -> None:
    gone = await sending(persons, **changes)
    before = await persons.rows("SELECT state, owner, attempts FROM notices")
    await write_all(persons, gone)
    assert await persons.rows("SELECT state, owner, attempts FROM notices") == before


@pytest.mark.parametrize(
    ("result", "left"),
    [
        (Sent(), 4),
        (SendFailed(Trouble.UNKNOWN, "timeout"), 4),
        (SendFailed(Trouble.RETRY, "http_502"), 5),
        (SendFailed(Trouble.RECIPIENT, "45047", effect=Effect.WINDOW_USED_UP), 0),
    ],
)
async def test_window_counts_what_went_out_or_may_have(
    persons: Persons, result: Sent | SendFailed, left: int
) -> None:
    await write_all(persons, replace(await sending(persons), result=result))
    assert await persons.rows("SELECT window_left FROM accounts") == [(left,)]
