"""The door for facts from outside: what it refuses and why, what it takes once, and when it asks first."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.conversation.told import notice_text
from bot.errors import DataError, FactRefused, NotFound
from bot.services.asking import answer
from bot.services.fact_door import NewFact, load_divisions
from bot.store.database import Database
from bot.store.snapshot import Resident
from bot.store.work import Work
from tests.conversation.world import texts
from tests.fakes.clock import MORNING
from tests.services.asked import DIVISIONS, YESTERDAY, border_stores, door, live_in_jiujiang, seen
from tests.services.stored import TODAY, Stores


@pytest.fixture
def stores(database: Database) -> Stores:
    return border_stores(database)


async def _code(stores: Stores) -> tuple[str, str]:
    (row,) = await stores.rows("SELECT colour, state FROM health_codes")
    return row[0], row[1]


async def _facts(stores: Stores, source: str = "telecom") -> int:
    rows = await stores.rows("SELECT COUNT(*) FROM facts WHERE source = ?", source)
    return int(rows[0][0])


async def _refused(stores: Stores, fact: NewFact) -> tuple[str, ...]:
    """What is wrong with that fact; nothing of it is stored."""
    before = await stores.rows("SELECT id FROM facts ORDER BY id")
    with pytest.raises(FactRefused) as refused:
        await door(stores).take(fact, now=MORNING)
    assert await stores.rows("SELECT id FROM facts ORDER BY id") == before
    return refused.value.problems


async def test_lone_record_next_to_home_is_asked_about_before_it_counts(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores, accounts=2)
    taken = await door(stores).take(seen(resident_id), now=MORNING)
    assert (taken.source, taken.known_at) == ("telecom", MORNING)
    assert await _code(stores) == ("yellow", "pending")
    rows = await stores.rows(
        "SELECT kind, params_sealed, priority, expires_at FROM notices WHERE kind = 'asked_first'"
    )
    assert len(rows) == 2
    for kind, sealed, priority, _ in rows:
        assert priority == 1
        for language, colour, word in (
            ("zh", "🟡 黄码（待确认）", "回复“回答”"),
            ("en", "🟡 yellow", '"answer"'),
        ):
            said = notice_text(stores.world, texts(), language, kind=kind, params_sealed=sealed)
            assert colour in said
            assert word in said
            assert not any(secret in said for secret in ("黄冈", "黄梅", "湖北", "通信", "Huanggang", "4211"))


async def test_record_far_from_the_border_counts_at_once_and_asks_nothing(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    await stores.database.execute("UPDATE facts SET division = '440106'")
    await door(stores).take(seen(resident_id), now=MORNING)
    assert await _code(stores) == ("red", "decided")
    assert await stores.rows("SELECT id FROM notices WHERE kind = 'asked_first'") == []


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("contact", {"degree": 1, "certainty": "sure"}),
        ("test", {"result": "positive"}),
        ("diagnosis", {"status": "suspected"}),
    ],
)
async def test_contacts_and_tests_are_never_asked_about(
    stores: Stores, kind: str, more: dict[str, Any]
) -> None:
    resident_id = await live_in_jiujiang(stores)
    fact = seen(resident_id, kind=kind, division=None, end=None, details=more)
    await door(stores).take(fact, now=MORNING)
    assert (await _code(stores))[1] == "decided"
    assert await stores.rows("SELECT id FROM notices WHERE kind = 'asked_first'") == []


async def test_same_fact_again_has_no_effect(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    first = await door(stores).take(seen(resident_id), now=MORNING)
    before = await stores.rows("SELECT * FROM residents") + await stores.rows("SELECT id FROM notices")
    again = await door(stores).take(seen(resident_id), now=MORNING + timedelta(hours=1))
    assert (again.id, again.known_at) == (first.id, MORNING)
    after = await stores.rows("SELECT * FROM residents") + await stores.rows("SELECT id FROM notices")
    assert after == before


async def test_same_fact_twice_at_once_is_stored_once(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    taken = await asyncio.gather(*(door(stores).take(seen(resident_id), now=MORNING) for _ in range(4)))
    assert len({fact.id for fact in taken}) == 1
    assert await _facts(stores) == 1
    assert len(await stores.rows("SELECT id FROM notices WHERE kind = 'asked_first'")) == 1


@pytest.mark.parametrize(
    "changes",
    [{"division": "421126"}, {"start": YESTERDAY - timedelta(days=1)}, {"details": {}}, {"occurrence": "o"}],
)
async def test_reference_with_other_content_is_refused(stores: Stores, changes: dict[str, Any]) -> None:
    resident_id = await live_in_jiujiang(stores)
    await door(stores).take(seen(resident_id), now=MORNING)
    (problem,) = await _refused(stores, seen(resident_id, **changes))
    assert "other content" in problem


async def test_two_at_once_with_one_reference_and_other_content_leave_one(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    facts = (seen(resident_id), seen(resident_id, division="421126"))
    done = await asyncio.gather(
        *(door(stores).take(fact, now=MORNING) for fact in facts), return_exceptions=True
    )
    assert sum(isinstance(each, FactRefused) for each in done) == 1
    assert await _facts(stores) == 1


async def test_fact_of_a_resident_who_does_not_exist_is_not_found(stores: Stores) -> None:
    with pytest.raises(NotFound):
        await door(stores).take(seen(12345), now=MORNING)


@pytest.mark.parametrize("identity", ["claimed", "none"])
async def test_claimed_identity_gets_no_facts_from_outside(stores: Stores, identity: str) -> None:
    resident_id = await live_in_jiujiang(stores)
    await stores.database.execute("UPDATE residents SET identity = ?", [identity])
    (problem,) = await _refused(stores, seen(resident_id))
    assert "not verified" in problem


async def test_identity_that_is_lost_in_between_takes_nothing(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    opened = door(stores)

    async def still_verified(_resident_id: int) -> tuple[str, str]:
        return "verified", "Asia/Shanghai"

    opened._resident = still_verified  # type: ignore[method-assign,assignment]
    await stores.database.execute("UPDATE residents SET identity = 'claimed'")
    with pytest.raises(FactRefused, match="not verified"):
        await opened.take(seen(resident_id), now=MORNING)
    assert await _facts(stores) == 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"start": TODAY + timedelta(days=1), "end": None}, "from the future"),
        ({"end": YESTERDAY - timedelta(days=1)}, "before it starts"),
        ({"end": TODAY + timedelta(days=1)}, "ends in the future"),
        ({"division": None}, "needs a division"),
        ({"division": "429999"}, "unknown division: '429999'"),
        ({"division": "420100"}, "unknown division"),
        ({"division": "429999001"}, "unknown division"),
        ({"division": "hubei"}, "not a division code"),
        ({"kind": "rumour"}, "unknown kind"),
        ({"details": {"minutes": -1}}, "not within"),
        ({"details": {"name": "x"}}, "no detail 'name'"),
        ({"source": "Tele Com"}, "not a source"),
        ({"source": "resident"}, "residents say themselves"),
        ({"source": "declaration"}, "residents say themselves"),
        ({"source": "punch_in"}, "residents say themselves"),
        ({"reference": ""}, "reference is empty"),
        ({"reference": "r" * 97}, "more than 96"),
        ({"reference": "a\x00b"}, "can't be printed"),
        ({"occurrence": "o" * 65}, "more than 64"),
    ],
)
async def test_wrong_fact_is_refused_with_what_is_wrong(
    stores: Stores, changes: dict[str, Any], word: str
) -> None:
    resident_id = await live_in_jiujiang(stores)
    problems = await _refused(stores, seen(resident_id, **changes))
    assert [word in problem for problem in problems] == [True]


async def test_everything_that_is_wrong_is_named_at_once(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    await stores.database.execute("UPDATE residents SET identity = 'claimed'")
    wrong = seen(
        resident_id, start=TODAY + timedelta(days=2), end=TODAY, division="429999", source="resident",
        reference="", details={"minutes": -1},
    )  # fmt: skip
    problems = await _refused(stores, wrong)
    assert len(problems) == 7
    assert "; ".join(problems) in str(FactRefused(problems))


@pytest.mark.parametrize("division", ["42", "4211", "421127", "421127001", "421127001002", "429004"])
async def test_every_length_of_a_known_division_is_taken(stores: Stores, division: str) -> None:
    resident_id = await live_in_jiujiang(stores)
    await door(stores).take(seen(resident_id, division=division), now=MORNING)
    assert await _facts(stores) == 1


async def test_retired_division_is_taken_too(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    await door(stores).take(seen(resident_id, division="330103"), now=MORNING)  # 下城区 until 2021
    assert await _facts(stores) == 1


@pytest.mark.parametrize("source", ["telecom", "community"])
async def test_nobody_but_a_worker_answers_for_a_resident(stores: Stores, source: str) -> None:
    resident_id = await live_in_jiujiang(stores)
    asked = await door(stores).take(seen(resident_id), now=MORNING)
    (problem,) = await _refused(stores, _answered(resident_id, asked.id, source=source))
    assert "only a worker" in problem


async def test_worker_answers_only_about_the_resident_s_own_facts(stores: Stores) -> None:
    resident_id, other = await live_in_jiujiang(stores), await live_in_jiujiang(stores)
    asked = await door(stores).take(seen(other), now=MORNING)
    (problem,) = await _refused(stores, _answered(resident_id, asked.id))
    assert "no fact of this resident" in problem


def _answered(resident_id: int, about: int, *, said: str = "no", source: str = "worker") -> NewFact:
    return NewFact(
        resident_id, "answer", TODAY, source, f"w-{about}", details={"about": about, "answer": said}
    )


@pytest.mark.parametrize(
    ("said", "code"),
    [("no", ("green", "decided")), ("yes", ("red", "decided")), ("unsure", ("yellow", "pending"))],
)
async def test_worker_s_answer_settles_what_is_asked(
    stores: Stores, said: str, code: tuple[str, str]
) -> None:
    resident_id = await live_in_jiujiang(stores)
    asked = await door(stores).take(seen(resident_id), now=MORNING)
    await door(stores).take(_answered(resident_id, asked.id, said=said), now=MORNING + timedelta(hours=1))
    assert await _code(stores) == code


async def test_withdrawn_fact_gives_the_colour_back_and_asks_nothing_more(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    await door(stores).take(seen(resident_id), now=MORNING)
    later = MORNING + timedelta(minutes=5)
    await door(stores).withdraw(resident_id, "telecom", "t-1", "wrong_tower", now=later)
    assert await _code(stores) == ("green", "decided")
    rows = await stores.rows("SELECT withdrawn_why FROM facts WHERE source = 'telecom'")
    assert rows == [("wrong_tower",)]
    causes = await stores.rows(
        "SELECT cause FROM colour_changes WHERE new_colour = 'green' AND old_colour = 'yellow'"
    )
    assert causes == [("fact",)]


async def test_withdrawing_twice_is_the_same_and_does_not_come_back(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    opened = door(stores)
    await opened.take(seen(resident_id), now=MORNING)
    for why in ("wrong_tower", "again"):
        await opened.withdraw(resident_id, "telecom", "t-1", why, now=MORNING + timedelta(minutes=5))
    stored = await opened.take(seen(resident_id), now=MORNING + timedelta(minutes=9))
    assert stored.withdrawn_at == MORNING + timedelta(minutes=5)
    assert await _code(stores) == ("green", "decided")
    assert await stores.rows("SELECT withdrawn_why FROM facts WHERE source = 'telecom'") == [("wrong_tower",)]


async def test_withdrawing_what_was_never_stated_is_not_found(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    with pytest.raises(NotFound):
        await door(stores).withdraw(resident_id, "telecom", "t-9", "wrong_tower", now=MORNING)


@pytest.mark.parametrize("why", ["", "w" * 49])
async def test_withdrawal_without_a_short_reason_is_refused(stores: Stores, why: str) -> None:
    resident_id = await live_in_jiujiang(stores)
    await door(stores).take(seen(resident_id), now=MORNING)
    with pytest.raises(FactRefused, match="reason"):
        await door(stores).withdraw(resident_id, "telecom", "t-1", why, now=MORNING)
    assert await _code(stores) == ("yellow", "pending")


async def test_fact_that_was_answered_is_not_asked_about_unasked_again(stores: Stores) -> None:
    resident_id = await live_in_jiujiang(stores)
    asked = await door(stores).take(seen(resident_id), now=MORNING)

    def say_unsure(work: Work, resident: Resident) -> None:
        answer(stores.world, work, resident, asked.id, said="unsure")

    await stores.rescorer.apply(resident_id, say_unsure, cause="test", now=MORNING + timedelta(minutes=1))
    other = seen(resident_id, division="421126", reference="t-2")
    await door(stores).take(other, now=MORNING + timedelta(minutes=2))
    rows = await stores.rows("SELECT dedup_key FROM notices WHERE kind = 'asked_first'")
    assert len(rows) == 2


def test_divisions_have_retired_codes_and_no_padding() -> None:
    assert {"42", "4211", "421127", "330103"} <= DIVISIONS
    assert "420000" not in DIVISIONS


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b'{"columns": []}', b'{"columns": ["code"], "rows": [[]]}']
)
def test_division_file_that_is_none_is_an_error_of_ours(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "divisions.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"divisions\.json"):
        load_divisions(path)
