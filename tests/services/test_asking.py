"""What is asked about, what each answer does, and that nobody can click a colour away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.facts import FactKind
from bot.core.model import SEVERITY, Colour, Detail, Fact, RiskEntry, RiskMap
from bot.services.asking import ANSWERS, Effect, Question, answer, ask_at_once, asked_now
from bot.services.codes import hold
from bot.services.rescore import rescore
from bot.services.world import World
from bot.store.ids import new_id
from bot.store.snapshot import Resident
from bot.store.work import Work
from tests.conversation.world import make_world, rulebooks
from tests.services.test_rescore import resident as resident_of_today

NOW = datetime(2020, 2, 20, 1, tzinfo=UTC)
TODAY = date(2020, 2, 20)
YESTERDAY = TODAY - timedelta(days=1)
KNOWN = NOW - timedelta(hours=3)


def world() -> World:
    made = make_world()
    known = NOW - timedelta(days=60)
    made.risk = RiskMap(
        RiskEntry(division, date(2020, 1, 1), None, level, known)
        for division, level in {"36": "low", "42": "low", "4211": "high"}.items()
    )
    return made


def fact(kind: str, day: date, *, end: date | None = None, known: datetime = KNOWN, **more: object) -> Fact:
    values: dict[str, object] = {"division": None, "source": "telecom", "details": {}} | more
    number = new_id()
    return Fact(
        id=number, kind=kind, start=day, end=end, reference=f"r{number}", occurrence=None, known_at=known, **values,  # type: ignore[arg-type]
    )  # fmt: skip


def seen(day: date = YESTERDAY, **more: object) -> Fact:
    """The phone company's record of one day in Huanggang."""
    return fact("stay", day, **({"end": day, "division": "421127"} | more))  # type: ignore[arg-type]


def declared(until: date) -> Fact:
    """A declaration to have been at home in Jiujiang until that day, made before the record came."""
    return fact(
        "stay", until - timedelta(days=13), end=until, known=KNOWN - timedelta(days=1), division="360403",
        source="declaration",
    )  # fmt: skip


def asked(*facts: Fact, schemes: tuple[str, ...] = ("hangzhou",)) -> tuple[World, Resident]:
    """Somebody of Jiujiang with these facts, scored at the time the record came."""
    made, person = world(), resident_of_today((1, 2))
    work = Work(now=NOW - timedelta(hours=2))
    for scheme in schemes:
        hold(made, work, person, scheme)
    person.facts = list(facts)
    rescore(made, work, person, cause="test")
    return made, person


def code(person: Resident) -> tuple[str, str]:
    held = person.codes["hangzhou"]
    return held.colour, held.state


def say(made: World, person: Resident, about: Fact, said: str, *, minutes: int = 0) -> tuple[Effect, Work]:
    work = Work(now=NOW + timedelta(minutes=minutes))
    effect = answer(made, work, person, about.id, said=said).effect
    work.check()
    return effect, work


def written(work: Work, table: str) -> int:
    return sum(write.table == table for write in work.writes)


def test_question_names_place_days_codes_and_its_last_day() -> None:
    lone = seen(YESTERDAY - timedelta(days=1), end=YESTERDAY)
    made, person = asked(declared(YESTERDAY - timedelta(days=2)), lone)
    (question,) = asked_now(made, person, NOW)
    assert question == Question(
        lone,
        "421127",
        YESTERDAY - timedelta(days=1),
        YESTERDAY,
        TODAY + timedelta(days=14),
        ("hangzhou",),
        "yellow",
    )
    assert question.ends_at("Asia/Shanghai") == datetime(2020, 3, 5, 16, tzinfo=UTC)


def test_several_records_are_asked_one_by_one_the_first_known_first() -> None:
    later, earlier = seen(known=KNOWN + timedelta(minutes=1)), seen(division="421126")
    made, person = asked(declared(YESTERDAY - timedelta(days=2)), later, earlier)
    assert [one.fact_id for one in asked_now(made, person, NOW)] == [earlier.id, later.id]


def test_yes_confirms_and_the_code_turns_red() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY), lone)
    effect, work = say(made, person, lone, "yes")
    assert (effect, code(person)) == (Effect.CONFIRMED, ("red", "decided"))
    (row,) = [write.row for write in work.writes if write.table == "facts"]
    assert (row["kind"], row["source"], row["division"]) == ("answer", "resident", None)
    assert row["details"] == f'{{"about":{lone.id},"answer":"yes"}}'
    assert row["reference"].startswith("answer:")


def test_no_with_the_residence_declared_before_clears_at_once() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY), lone)
    effect, _ = say(made, person, lone, "no")
    assert (effect, code(person)) == (Effect.CLEARED, ("green", "decided"))
    assert asked_now(made, person, NOW) == ()


def test_no_alone_is_noted_and_the_code_stays_pending_until_the_days_are_over() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY - timedelta(days=1)), lone)
    effect, work = say(made, person, lone, "no")
    assert (effect, code(person)) == (Effect.PENDING, ("yellow", "pending"))
    assert written(work, "facts") == 1
    (question,) = asked_now(made, person, NOW)
    assert question.answer == "no"
    before, after = question.ends_at(person.zone) - timedelta(seconds=1), question.ends_at(person.zone)
    assert asked_now(made, person, before)
    assert asked_now(made, person, after) == ()


def test_no_alone_is_cleared_by_somebody_who_confirms_it() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY - timedelta(days=1)), lone)
    say(made, person, lone, "no")
    person.facts.append(
        fact("stay", YESTERDAY, end=YESTERDAY, known=NOW, division="360403", source="community")
    )
    rescore(made, Work(now=NOW + timedelta(hours=1)), person, cause="test")
    assert code(person) == ("green", "decided")


def test_declaring_after_the_record_came_clears_nothing() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY - timedelta(days=1)), lone)
    person.facts.append(
        fact("stay", YESTERDAY, end=YESTERDAY, known=NOW, division="360403", source="declaration")
    )
    effect, _ = say(made, person, lone, "no", minutes=1)
    assert (effect, code(person)) == (Effect.PENDING, ("yellow", "pending"))


def test_unsure_keeps_it_pending_and_can_become_a_no_or_a_yes() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY - timedelta(days=1)), lone)
    assert say(made, person, lone, "unsure")[0] is Effect.PENDING
    assert code(person) == ("yellow", "pending")
    assert say(made, person, lone, "no", minutes=1)[0] is Effect.PENDING
    assert say(made, person, lone, "yes", minutes=2)[0] is Effect.CONFIRMED
    assert code(person) == ("red", "decided")


def test_same_answer_again_is_the_same_and_records_nothing() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY - timedelta(days=1)), lone)
    say(made, person, lone, "no")
    effect, work = say(made, person, lone, "no", minutes=1)
    assert effect is Effect.PENDING
    assert work.writes == []


@pytest.mark.parametrize("said", ["no", "unsure", "yes"])
def test_yes_stands_whatever_is_answered_after_it(said: str) -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY), lone)
    say(made, person, lone, "yes")
    effect, work = say(made, person, lone, said, minutes=1)
    assert effect is Effect.STANDS
    assert work.writes == []
    assert code(person) == ("red", "decided")


@pytest.mark.parametrize("said", ["yes", "no", "unsure"])
def test_cleared_record_is_not_asked_about_and_stays_cleared(said: str) -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY), lone)
    say(made, person, lone, "no")
    effect, work = say(made, person, lone, said, minutes=1)
    assert (effect, work.writes, code(person)) == (Effect.NOT_ASKED, [], ("green", "decided"))


_NEVER_ASKED: dict[str, dict[str, Detail]] = {
    FactKind.CONTACT: {"degree": 1, "certainty": "sure"},
    FactKind.DIAGNOSIS: {"status": "confirmed"},
    FactKind.MEASURE: {"measure": "home"},
    FactKind.FALSE_DECLARATION: {},
}


@pytest.mark.parametrize("kind", list(_NEVER_ASKED))
@pytest.mark.parametrize("said", ["yes", "no", "unsure"])
def test_nobody_clicks_a_red_code_away(kind: str, said: str) -> None:
    red = fact(kind, YESTERDAY, details=_NEVER_ASKED[kind])
    made, person = asked(declared(YESTERDAY), red)
    assert code(person) == ("red", "decided")
    assert asked_now(made, person, NOW) == ()
    effect, work = say(made, person, red, said)
    assert (effect, work.writes, code(person)) == (Effect.NOT_ASKED, [], ("red", "decided"))


@pytest.mark.parametrize("said", ["yes", "no", "unsure"])
def test_confirmed_place_is_not_clicked_away_either(said: str) -> None:
    lone = seen()
    second = seen(source="worker")
    made, person = asked(declared(YESTERDAY), lone, second)
    assert code(person) == ("red", "decided")
    effect, work = say(made, person, lone, said)
    assert (effect, work.writes, code(person)) == (Effect.NOT_ASKED, [], ("red", "decided"))


def test_no_about_a_lone_record_leaves_what_is_red_for_another_reason() -> None:
    lone = seen()
    contact = fact("contact", YESTERDAY, details={"degree": 1, "certainty": "sure"})
    made, person = asked(declared(YESTERDAY), lone, contact)
    (question,) = asked_now(made, person, NOW)
    assert (question.fact_id, question.colour) == (lone.id, "")
    say(made, person, lone, "no")
    assert code(person) == ("red", "decided")


def test_fact_of_somebody_else_cannot_be_answered() -> None:
    theirs = seen()
    asked(declared(YESTERDAY), theirs)
    made, person = asked(declared(YESTERDAY - timedelta(days=1)), seen())
    effect, work = say(made, person, theirs, "yes")
    assert (effect, work.writes, code(person)) == (Effect.NOT_ASKED, [], ("yellow", "pending"))


def test_withdrawn_record_is_no_longer_asked_about() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY), lone)
    say(made, person, lone, "yes")
    person.facts = [one for one in person.facts if one.id != lone.id]
    assert say(made, person, lone, "no", minutes=1)[0] is Effect.NOT_ASKED


def test_word_that_is_no_answer_is_refused() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY), lone)
    with pytest.raises(ValueError, match="not an answer"):
        say(made, person, lone, "maybe")


def test_question_goes_out_once_to_each_account_and_not_after_an_answer() -> None:
    lone = seen()
    made, person = asked(declared(YESTERDAY - timedelta(days=1)), lone)
    work = Work(now=NOW)
    ask_at_once(made, work, person, [1, 2], about=lone.id)
    ask_at_once(made, work, person, [1], about=lone.id + 1)
    rows = [write.row for write in work.writes]
    assert [(row["account_id"], row["dedup_key"]) for row in rows] == [
        (1, f"1:asked:{lone.id}"),
        (2, f"2:asked:{lone.id}"),
    ]
    say(made, person, lone, "unsure")
    quiet = Work(now=NOW + timedelta(hours=1))
    assert ask_at_once(made, quiet, person, [1]) == ()
    assert quiet.writes == []


def test_every_shipped_rule_that_asks_first_is_about_places_alone() -> None:
    asking = [rule for book in rulebooks() for rule in book.rules if rule.ask_first is not None]
    assert asking
    for rule in asking:
        assert set(rule.kinds) <= {"stay", "journey", "region_origin"}
        assert rule.ask_first is not None
        assert rule.ask_first.gives.at_least is not Colour.RED


_POSSIBLE = (
    lambda: declared(YESTERDAY),
    lambda: declared(YESTERDAY - timedelta(days=3)),
    seen,
    lambda: seen(YESTERDAY - timedelta(days=2), division="421126"),
    lambda: seen(source="worker"),
    lambda: fact("contact", YESTERDAY, details={"degree": 1, "certainty": "sure"}),
    lambda: fact("symptom", YESTERDAY, source="punch_in", details={"code": "cough"}),
    lambda: fact("diagnosis", YESTERDAY, source="hospital", details={"status": "suspected"}),
)


@given(
    made_of=st.lists(st.sampled_from(_POSSIBLE), max_size=5),
    said=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(ANSWERS)), max_size=6),
)
def test_no_answers_in_any_order_make_a_decided_code_better(
    made_of: list[Callable[[], Fact]], said: list[tuple[int, str]]
) -> None:
    made, person = asked(*(make() for make in made_of), schemes=("hangzhou", "national"))
    facts = list(person.facts)
    for minutes, (number, word) in enumerate(said, start=1):
        if number >= len(facts):
            continue
        before = {name: (held.colour, held.state) for name, held in person.codes.items()}
        say(made, person, facts[number], word, minutes=minutes)
        for name, (colour, state) in before.items():
            if state == "decided":
                now = person.codes[name]
                assert SEVERITY[Colour(now.colour)] >= SEVERITY[Colour(colour)]
