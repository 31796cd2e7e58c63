"""Every condition alone and together with others: exactly its code, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.channels.outbound import Way
from bot.notices.conditions import BY_REASON, CONDITIONS, DAILY_CAP, Ends, Level, reasons_of, statement
from bot.notices.kinds import KINDS
from bot.notices.reachability import Channel, Obstacle, Unreachable
from bot.store.database import Database
from tests.notices.persons import MIDNIGHT, OFFERED, SERVICE_ONLY, Persons

DOCS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
HOUR = timedelta(hours=1)
UNASKED = sorted(kind.name for kind in KINDS.values() if not kind.asked)
ASKED = sorted(kind.name for kind in KINDS.values() if kind.asked)


def test_every_condition_has_one_code_and_says_why_it_exists() -> None:
    codes = [condition.reason for condition in CONDITIONS]
    assert len(codes) == len(set(codes)) == len(BY_REASON)
    assert all(len(code) <= 48 and condition.why for code, condition in BY_REASON.items())


def test_bits_of_the_answer_are_the_conditions_in_the_order_of_the_table() -> None:
    for bit, condition in enumerate(CONDITIONS):
        assert reasons_of(1 << bit) == (condition,)
    assert reasons_of(0) == ()
    assert reasons_of((1 << len(CONDITIONS)) - 1) == CONDITIONS


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_both_databases_are_asked_the_same_conditions(dialect: str) -> None:
    sql = statement(dialect)
    assert all(condition.sql in sql for condition in CONDITIONS)
    assert sql.count("?") == 3


def test_operators_read_the_same_table_in_the_documentation() -> None:
    docs = DOCS.read_text("utf-8")
    rows = [f"| `{one.reason}` | {one.level} | {one.why} | {one.ends} |" for one in CONDITIONS]
    assert [row for row in rows if row not in docs] == []


def test_conditions_that_the_clock_ends_are_these() -> None:
    by_clock = {condition.reason for condition in CONDITIONS if condition.ends != Ends.EVENT}
    assert by_clock == {"quiet_hours", "daily_cap", "platform_paused", "platform_broken"}


# -- each alone: somebody who is reachable in one way only, and then isn't -----------------------------------


Case = Callable[[Persons], Awaitable[tuple[int, str]]]


async def by_window(persons: Persons, **changes: Any) -> tuple[int, str]:
    return await persons.account("wechat_official", **changes), "subscription_low"


async def by_subscription(persons: Persons, balance: int = 2, standing: str = "once") -> tuple[int, str]:
    person = await persons.account("wechat_mini", window_until=None)
    await persons.subscription(person, balance, standing=standing)
    return person, "colour_changed"


async def no_account(persons: Persons) -> tuple[int, str]:
    return 4711, "colour_changed"


async def no_consent(persons: Persons) -> tuple[int, str]:
    return await by_window(persons, consent="asked")


async def channel_off(persons: Persons) -> tuple[int, str]:
    return await persons.account("a_channel_of_old"), "colour_changed"


async def unfollowed(persons: Persons) -> tuple[int, str]:
    return await by_window(persons, following=False)


async def blocked(persons: Persons) -> tuple[int, str]:
    return await by_window(persons, blocked=True)


async def window_closed(persons: Persons) -> tuple[int, str]:
    return await by_window(persons, window_until=persons.clock.wire())


async def window_used_up(persons: Persons) -> tuple[int, str]:
    return await by_window(persons, window_left=0)


async def platform_paused(persons: Persons) -> tuple[int, str]:
    await persons.platform("wechat_official:app", paused_until=persons.clock.wire() + HOUR)
    return await by_window(persons)


async def platform_broken(persons: Persons) -> tuple[int, str]:
    await persons.platform("wechat_official:app", broken_until=persons.clock.wire() + HOUR)
    return await by_window(persons)


async def quiet_hours(persons: Persons) -> tuple[int, str]:
    found = await by_window(persons)
    await persons.resident(found[0], quiet_from=12 * 60, quiet_until=13 * 60)
    return found


async def daily_cap(persons: Persons) -> tuple[int, str]:
    found = await by_window(persons)
    for _ in range(DAILY_CAP):
        await persons.notice(found[0])
    return found


ALONE: dict[str, Case] = {
    "no_account": no_account, "no_consent": no_consent, "channel_off": channel_off, "unfollowed": unfollowed,
    "blocked": blocked, "window_closed": window_closed, "window_used_up": window_used_up,
    "platform_paused": platform_paused, "platform_broken": platform_broken, "quiet_hours": quiet_hours,
    "daily_cap": daily_cap,
}  # fmt: skip
BESIDE_A_CLOSED_WINDOW = {
    "no_template", "not_subscribed", "subscription_refused", "subscription_used_up", "no_form",
}  # fmt: skip


def test_every_condition_is_tested_alone() -> None:
    assert ALONE.keys() | BESIDE_A_CLOSED_WINDOW == BY_REASON.keys()


@pytest.mark.parametrize("reason", ALONE)
async def test_condition_alone_gives_exactly_its_code(database: Database, reason: str) -> None:
    persons = Persons(database)
    person, kind = await ALONE[reason](persons)
    answer = await persons.closed(person, kind)
    assert [each.reason for each in answer.reasons] == [reason]
    one, level = answer.reasons[0], BY_REASON[reason].level
    assert (one.account_id is None) == (level == Level.PERSON)
    assert (one.way is None) == (level != Level.WAY)


async def test_somebody_whom_nothing_closes_is_reached_in_the_same_ways(database: Database) -> None:
    persons = Persons(database)
    person, kind = await by_window(persons)
    assert (await persons.reached(person, kind)).way == Way.CUSTOMER_SERVICE
    person, kind = await by_subscription(persons)
    assert (await persons.reached(person, kind)).way == Way.SUBSCRIPTION


@pytest.mark.parametrize(
    ("balance", "standing", "reason"),
    [
        (0, "once", "subscription_used_up"),
        (0, "refused", "subscription_refused"),
        (2, "refused", "subscription_refused"),
        (0, "banned", "subscription_refused"),
    ],
)
async def test_subscription_that_allows_nothing_gives_its_code(
    database: Database, balance: int, standing: str, reason: str
) -> None:
    persons = Persons(database)
    person, kind = await by_subscription(persons, balance, standing)
    answer = await persons.closed(person, kind)
    assert Obstacle(reason, "wechat_mini", Way.SUBSCRIPTION, person) in answer.reasons
    assert {each.reason for each in answer.reasons} == {"window_closed", reason}


async def test_subscription_for_always_is_never_used_up(database: Database) -> None:
    persons = Persons(database)
    person, kind = await by_subscription(persons, 0, "always")
    assert (await persons.reached(person, kind)).balance is None


async def test_subscription_to_another_kind_allows_nothing(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("wechat_mini", window_until=None)
    await persons.subscription(person, kind="asked_first")
    assert await persons.reasons(person) == {"window_closed", "not_subscribed"}
    assert (await persons.reached(person, "asked_first")).way == Way.SUBSCRIPTION


async def test_kind_without_a_template_of_the_platform_says_so(database: Database) -> None:
    offer = OFFERED["wechat_official"]
    persons = Persons(database, offered={offer.channel: replace(offer, templates=frozenset({"asked_first"}))})
    person = await persons.account("wechat_official", window_until=None)
    assert await persons.reasons(person) == {"window_closed", "no_template"}
    assert (await persons.reached(person, "asked_first")).way == Way.TEMPLATE


@pytest.mark.parametrize(("hours", "reaches"), [(1, True), (0, False), (-1, False)])
async def test_form_allows_a_template_until_it_expires(database: Database, hours: int, reaches: bool) -> None:
    persons = Persons(database)
    person = await persons.account("alipay", window_until=None)
    token = await persons.form(person, hours=hours)
    answer = await persons.ask(person)
    if reaches:
        assert isinstance(answer, Channel)
        assert (answer.way, answer.form_token_id, answer.form_sealed) == (Way.TEMPLATE, token, b"f")
    else:
        assert isinstance(answer, Unreachable)
        assert {each.reason for each in answer.reasons} == {"window_closed", "no_form"}


async def test_form_that_expires_first_is_used_first(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("alipay", window_until=None)
    await persons.form(person, days=6)
    first = await persons.form(person, days=2)
    await persons.form(person, days=-1)
    assert (await persons.reached(person)).form_token_id == first


async def test_form_of_the_mini_program_needs_no_follower(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("alipay", following=False)
    await persons.form(person)
    assert (await persons.reached(person)).way == Way.TEMPLATE


async def test_kind_that_has_no_way_on_a_channel_says_that_the_channel_is_off(database: Database) -> None:
    offer = replace(OFFERED["wechat_mini"], ways=frozenset({Way.SUBSCRIPTION}))
    persons = Persons(database, offered={offer.channel: offer})
    person = await persons.account("wechat_mini")
    assert await persons.reasons(person, "subscription_low") == {"channel_off"}


# -- windows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "moment", "reasons", "spends"),
    [
        ((40, 5), (None, 0), set(), "window"),
        ((None, 0), (1, 3), set(), "moment"),
        ((40, 5), (1, 3), set(), "moment"),
        ((40, 5), (1, 0), set(), "window"),
        ((40, 5), (-1, 3), set(), "window"),
        ((-1, 5), (1, 2), set(), "moment"),
        ((None, 5), (None, 3), {"window_closed"}, ""),
        ((-1, 5), (-1, 3), {"window_closed"}, ""),
        ((40, 0), (None, 3), {"window_used_up"}, ""),
        ((40, 0), (-1, 3), {"window_used_up"}, ""),
        ((None, 5), (1, 0), {"window_used_up"}, ""),
        ((-1, 5), (1, 0), {"window_used_up"}, ""),
        ((40, 0), (1, 0), {"window_used_up"}, ""),
    ],
)
async def test_windows_of_messages_and_of_events_count_apart(
    database: Database,
    window: tuple[int | None, int],
    moment: tuple[int | None, int],
    reasons: set[str],
    spends: str,
) -> None:
    persons = Persons(database, offered=SERVICE_ONLY)
    wire = persons.clock.wire()
    ends = [None if hours is None else wire + hours * HOUR for hours in (window[0], moment[0])]
    person = await persons.account(
        window_until=ends[0], window_left=window[1], moment_until=ends[1], moment_left=moment[1]
    )
    answer = await persons.ask(person)
    if isinstance(answer, Channel):
        assert (answer.window, answer.windows, reasons) == (spends, tuple(ends), set())
    else:
        assert {each.reason for each in answer.reasons} == reasons


@pytest.mark.parametrize(("beyond", "reaches"), [(-1, False), (0, False), (1, True)])
async def test_window_is_open_until_exactly_its_end(database: Database, beyond: int, reaches: bool) -> None:
    persons = Persons(database, offered=SERVICE_ONLY)
    person = await persons.account(window_until=persons.clock.wire() + beyond * timedelta(milliseconds=1))
    assert isinstance(await persons.ask(person), Channel) is reaches


async def test_windows_and_pauses_are_real_time_although_the_clock_was_moved(database: Database) -> None:
    persons = Persons(database, offered=SERVICE_ONLY)
    person = await persons.account()
    persons.clock.forward(timedelta(days=300))
    assert isinstance(await persons.ask(person), Channel)
    until = persons.clock.wire() + HOUR
    await persons.platform("wechat_official:app", paused_until=until)
    answer = await persons.closed(person)
    assert answer.reasons[0].until == answer.again_at == until + timedelta(days=300)


# -- together ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "urgent", "consent", "following", "is_blocked", "window"),
    [
        (kind, urgent, *contact)
        for kind, urgent in itertools.product(("colour_changed", "result", "link_asked"), (False, True))
        for contact in itertools.product(("given", "asked"), (True, False), (True, False), (True, False))
    ],
)
async def test_every_state_of_contact_closes_by_all_its_codes(
    database: Database,
    *,
    kind: str,
    urgent: bool,
    consent: str,
    following: bool,
    is_blocked: bool,
    window: bool,
) -> None:
    persons = Persons(database, offered=SERVICE_ONLY)
    until = persons.clock.wire() + HOUR if window else None
    person = await persons.account(
        consent=consent, following=following, blocked=is_blocked, window_until=until
    )
    expected = {
        *([] if consent == "given" or KINDS[kind].asked else ["no_consent"]),
        *([] if following else ["unfollowed"]),
        *(["blocked"] if is_blocked else []),
        *([] if window else ["window_closed"]),
    }
    assert await persons.reasons(person, kind, urgent=urgent) == expected


@pytest.mark.parametrize("kind", [*UNASKED, *ASKED])
@pytest.mark.parametrize("urgent", [False, True])
async def test_only_what_is_urgent_or_was_asked_for_pierces_the_night_and_the_cap(
    database: Database, kind: str, urgent: bool
) -> None:
    persons = Persons(database)
    persons.clock.at = MIDNIGHT
    person = await persons.account("simulator")
    for _ in range(DAILY_CAP):
        await persons.notice(person)
    pierces = urgent or KINDS[kind].asked
    assert await persons.reasons(person, kind, urgent=urgent) == (
        set() if pierces else {"quiet_hours", "daily_cap"}
    )


@pytest.mark.parametrize("urgent", [False, True])
@pytest.mark.parametrize("state", ["blocked", "unfollowed", "window_closed", "window_used_up", "no_consent"])
async def test_urgent_pierces_nothing_else(database: Database, state: str, urgent: bool) -> None:
    persons = Persons(database)
    person, kind = await ALONE[state](persons)
    assert await persons.reasons(person, kind, urgent=urgent) == {state}


@pytest.mark.parametrize("consent", ["none", "asked", "refused", "withdrawn"])
async def test_answer_goes_out_to_somebody_who_has_not_agreed(database: Database, consent: str) -> None:
    persons = Persons(database)
    person = await persons.account("wechat_mini", consent=consent)
    assert isinstance(await persons.ask(person, "answer", account_id=person), Channel)
    assert await persons.reasons(person) == {"no_consent", "not_subscribed"}


async def test_reasons_name_the_way_and_the_account_that_each_closes(database: Database) -> None:
    persons = Persons(database)
    official = await persons.account("wechat_official", following=False)
    mini = await persons.account("wechat_mini", person_id=official, window_left=0)
    answer = await persons.closed(official)
    assert set(answer.reasons) == {
        Obstacle("unfollowed", "wechat_official", Way.CUSTOMER_SERVICE, official),
        Obstacle("unfollowed", "wechat_official", Way.TEMPLATE, official),
        Obstacle("window_used_up", "wechat_mini", Way.CUSTOMER_SERVICE, mini),
        Obstacle("not_subscribed", "wechat_mini", Way.SUBSCRIPTION, mini),
    }
    assert answer.again_at is None
