"""Over which account and in which way a notice can reach a person now; if in none, why, and when that ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

from bot.channels.names import ALIPAY
from bot.channels.outbound import Way
from bot.clock import DEFAULT_ZONE, Clock
from bot.notices.conditions import Condition, Ends, Level, reasons_of, statement
from bot.notices.kinds import KINDS
from bot.notices.quiet_hours import known_zone, minute_of_day, next_day_begins, quiet_ends, this_day_begins
from bot.notices.reminders_left import Left, left_of
from bot.store.database import Database, Row, instant_or_none

_LOOKS_AHEAD = 8  # instants that are tried for one question; each is later than the one before
_BY_TEMPLATE = (Way.SUBSCRIPTION, Way.TEMPLATE)
_WITH_FORM = ((ALIPAY, Way.TEMPLATE),)


class Reader(Protocol):
    """What a query runs on: the database, or the transaction that is open."""

    async def fetch(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """One notice that isn't claimed yet, or one "could I"; `account_id` leaves only that account."""

    person_id: int
    kind: str
    urgent: bool = False
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """Reachable: over this account in this way.

    `window` says which count a customer-service send spends, "window" or "moment"; `windows` are the ends of both as
    they were read. `form_sealed` opens with the context "form_tokens.form". `balance` is that of the subscription
    before the send, None where nothing is counted. `app` names the platform's state.
    """

    account_id: int
    person_id: int
    channel: str
    way: Way
    external_sealed: bytes = field(repr=False)
    language: str
    window: str = ""
    form_token_id: int | None = None
    form_sealed: bytes | None = field(default=None, repr=False)
    balance: int | None = None
    app: str = ""
    windows: tuple[datetime | None, datetime | None] | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What closes one way of one account, the account (`way` None), or everything (`account_id` None).

    `until` is the business time at which it ends by itself, where that is known.
    """

    reason: str
    channel: str = ""
    way: Way | None = None
    account_id: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No way is open. The first of `reasons` decides when to look again: one that only an event ends where
    `again_at` is None, else one that time ends."""

    reasons: tuple[Obstacle, ...]
    again_at: datetime | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What is set up for one channel. `app` names its platform's state; `templates` are the kinds of notice that
    have one of the platform's templates."""

    channel: str
    app: str
    ways: frozenset[Way]
    templates: frozenset[str]


@dataclass(slots=True)
class _Found:
    """The rows that answer one question at one instant."""

    at: datetime
    rows: list[Row] = field(default_factory=list)


class Reachability:
    """Asks the conditions; the only place that decides whether and how somebody can be reached."""

    def __init__(self, database: Database, clock: Clock, offered: Mapping[str, Offer]) -> None:
        self._database = database
        self._clock = clock
        self._offered = offered
        self._statement = statement(database.dialect)
        self._paths = {kind: _paths(kind, offered.values()) for kind in KINDS}
        self._zones = {DEFAULT_ZONE}

    async def reach_many(
        self, reader: Reader, questions: Sequence[Question], at: datetime
    ) -> list[Channel | Unreachable]:
        """The answer to each question as of `at` (business time), in their order, by one statement.

        Where only time keeps a way closed, one more finds out when it opens, for all such questions together.
        """
        if not questions:
            return []
        found = await self._ask(reader, questions, [at] * len(questions), at)
        answers = [self._answer(question, each) for question, each in zip(questions, found, strict=True)]
        await self._look_ahead(reader, questions, answers, found)
        return [_told(answer) if isinstance(answer, Unreachable) else answer for answer in answers]

    async def reach(
        self, resident_id: int, kind: str, at: datetime, *, urgent: bool = False
    ) -> Channel | Unreachable:
        """The same for a resident: over whoever speaks for them, they themselves first, then guardians."""
        rows = await self._database.fetch(
            "SELECT a.person_id FROM account_residents l JOIN accounts a ON a.id = l.account_id"
            " WHERE l.resident_id = ? GROUP BY a.person_id"
            " ORDER BY MIN(CASE l.relation WHEN 'self' THEN 0 ELSE 1 END), MIN(l.since), a.person_id",
            [resident_id],
        )
        if not rows:
            return Unreachable((Obstacle("no_account"),), None)
        questions = [Question(row[0], kind, urgent) for row in rows]
        answers = await self.reach_many(self._database, questions, at)
        closed: list[Unreachable] = []
        for answer in answers:
            if isinstance(answer, Channel):
                return answer
            closed.append(answer)
        again = [answer.again_at for answer in closed if answer.again_at is not None]
        reasons = dict.fromkeys(reason for answer in closed for reason in answer.reasons)
        return _told(Unreachable(tuple(reasons), min(again) if again else None))

    async def left(self, person_id: int, at: datetime) -> Left:
        """How many notices each account of a person still allows: subscriptions, forms, and open windows."""
        return await left_of(
            self._database,
            person_id,
            wire=at - self._clock.offset,
            offset=self._clock.offset,
            kinds=self._by_template(),
        )

    def _by_template(self) -> Mapping[tuple[str, Way], Sequence[str]]:
        """The kinds that go by template or subscription, by channel and way."""
        return {
            (offer.channel, way): sorted(offer.templates & KINDS.keys())
            for offer in self._offered.values()
            for way in _BY_TEMPLATE
            if way in offer.ways
        }

    async def _look_ahead(
        self,
        reader: Reader,
        questions: Sequence[Question],
        answers: list[Channel | Unreachable],
        found: Sequence[_Found],
    ) -> None:
        """Set `again_at` where time alone opens a way: each is asked about the next instant at which everything
        that closes one of its ways has ended, until one is open then."""
        base = found[0].at
        waiting = {
            place: instant
            for place, answer in enumerate(answers)
            if isinstance(answer, Unreachable)
            and (instant := self._next_instant(questions[place], found[place])) is not None
        }
        for _ in range(_LOOKS_AHEAD):
            if not waiting:
                return
            places = list(waiting)
            then = await self._ask(
                reader, [questions[place] for place in places], [waiting[place] for place in places], base
            )
            for place, each in zip(places, then, strict=True):
                instant = waiting.pop(place)
                answer = answers[place]
                if isinstance(answer, Unreachable) and any(row[1] == 0 for row in each.rows):
                    answers[place] = replace(answer, again_at=instant)
                    continue
                later = self._next_instant(questions[place], each)
                if later is not None:
                    waiting[place] = later

    def _next_instant(self, question: Question, found: _Found) -> datetime | None:
        """When the first way could be open as far as the clock decides; None if each waits for an event."""
        possible = []
        for row in found.rows:
            ends = [self._until(condition, row, found.at) for condition in reasons_of(row[1])]
            known = [end for end in ends if end is not None]
            if known and len(known) == len(ends):
                possible.append(max(known))
        return min(possible, default=None)

    async def _ask(
        self, reader: Reader, questions: Sequence[Question], instants: Sequence[datetime], base: datetime
    ) -> list[_Found]:
        """The rows for each question at its instant; `base` is now, from which nothing more is known to be sent."""
        moments = {instant: place for place, instant in enumerate(dict.fromkeys(instants))}
        asked = [
            self._asked(place, question, moments[instant], instant)
            for place, (question, instant) in enumerate(zip(questions, instants, strict=True))
        ]
        paths = [path for kind in {question.kind for question in questions} for path in self._paths[kind]]
        while True:
            hours = [row for instant, moment in moments.items() for row in self._hours(moment, instant, base)]
            rows = await reader.fetch(self._statement, [_json(asked), _json(hours), _json(paths)])
            unknown = {row[2] for row in rows if row[3] is None}
            if not unknown:
                break
            self._zones |= unknown
        found = [_Found(instant) for instant in instants]
        for row in rows:
            found[row[0]].rows.append(row)
        return found

    def _asked(self, place: int, question: Question, moment: int, at: datetime) -> list[Any]:
        kind = KINDS[question.kind]
        bound = not (kind.asked or question.urgent)
        wire = _text(at - self._clock.offset)
        return [
            place, question.person_id, question.account_id, kind.name, int(kind.asked), int(bound),
            moment, wire,
        ]  # fmt: skip

    def _hours(self, moment: int, at: datetime, base: datetime) -> list[list[Any]]:
        """What the wall clocks show at that instant in every zone that has occurred."""
        rows = []
        for name in self._zones:
            place = known_zone(name)
            begins = this_day_begins(at, place)
            rows.append([moment, name, minute_of_day(at, place), _text(begins), int(base >= begins)])
        return rows

    def _answer(self, question: Question, found: _Found) -> Channel | Unreachable:
        for row in found.rows:
            if row[1] == 0:
                return _channel(question, row)
        obstacles = dict.fromkeys(
            self._obstacle(condition, row, found.at) for row in found.rows for condition in reasons_of(row[1])
        )
        return Unreachable(tuple(obstacles), None)

    def _obstacle(self, condition: Condition, row: Row, at: datetime) -> Obstacle:
        until = self._until(condition, row, at)
        if condition.level == Level.PERSON:
            return Obstacle(condition.reason, until=until)
        way = Way(row[7]) if condition.level == Level.WAY else None
        return Obstacle(condition.reason, row[6], way, row[5], until)

    def _until(self, condition: Condition, row: Row, at: datetime) -> datetime | None:
        """When a condition that holds ends by itself, in business time."""
        match condition.ends:
            case Ends.QUIET:
                return quiet_ends(at, known_zone(row[2]), row[4])
            case Ends.DAY:
                return next_day_begins(at, known_zone(row[2]))
            case Ends.PAUSE | Ends.BREAK:
                until = instant_or_none(row[16] if condition.ends == Ends.PAUSE else row[17])
                return None if until is None else until + self._clock.offset
        return None


def _channel(question: Question, row: Row) -> Channel:
    counted = row[14] == "once"
    return Channel(
        account_id=row[5],
        person_id=question.person_id,
        channel=row[6],
        way=Way(row[7]),
        external_sealed=row[9],
        language=row[10],
        window=row[11],
        form_token_id=row[18],
        form_sealed=row[19],
        balance=row[15] if counted else None,
        app=row[8],
        windows=(instant_or_none(row[12]), instant_or_none(row[13])),
    )


def _told(answer: Unreachable) -> Unreachable:
    """With the reasons that decide when to look again first."""
    waits = answer.again_at is not None
    order = sorted(answer.reasons, key=lambda each: (each.until is not None) != waits)
    return replace(answer, reasons=tuple(order))


def _paths(kind: str, offers: Iterable[Offer]) -> list[list[Any]]:
    """The ways in which that kind may go on each channel, as rows for the statement."""
    return [
        [
            kind,
            offer.channel,
            way.value,
            place,
            offer.app,
            int(way not in _BY_TEMPLATE or kind in offer.templates),
            int((offer.channel, way) in _WITH_FORM),
            int(way != Way.SUBSCRIPTION and (offer.channel, way) not in _WITH_FORM),
        ]
        for offer in offers
        for place, way in enumerate(KINDS[kind].ways)
        if way in offer.ways
    ]


def _json(rows: Sequence[Sequence[Any]]) -> str:
    return orjson.dumps(rows).decode()


def _text(at: datetime) -> str:
    """An instant as both databases compare it; SQLite compares texts."""
    return at.astimezone(UTC).isoformat(" ")
