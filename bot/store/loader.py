"""Loads what messages need for all that wait together: account, dialogue, residents, codes, facts, days."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.batching import Batcher
from bot.store.database import Database, Row
from bot.store.scripts import Ask, Script
from bot.store.snapshot import (
    FACT_COLUMNS,
    HISTORY_DAYS,
    RECENT_DAYS,
    Account,
    Dialogue,
    Resident,
    Snapshot,
    StoredReply,
    WaitingNotice,
    account_from,
    code_from,
    fact_from,
    notice_from,
    punch_in_from,
    resident_from,
)

_RESIDENT = (
    "resident_id, identity, certificate_kind, name_sealed, birth_sealed, division, zone, declared_at,"
    " last_punch_in, input_version, hinted_on"
)
_CODE = "resident_id, id, scheme, colour, state, since, version, assessment, next_change_at, covered_until, held_since"
_PUNCH_IN = "resident_id, id, day, revision, receipt, temperature_tenths, symptoms, no_change, normal"
# a run of normal days that ended a hold must not be forgotten while the hold's fact stands
_SINCE = (
    "(p.day >= ? OR p.day >= (SELECT MIN(f.start_day) FROM facts f"
    " WHERE f.resident_id = p.resident_id AND f.withdrawn_at IS NULL))"
)


@dataclass(frozen=True, slots=True)
class Request:
    """Whose data: the message and every index value that its account may be stored under.

    `whole`: with all facts and days, not only what most messages need.
    """

    message_key: str
    channel: str
    external_indexes: tuple[str, ...]
    now: datetime
    whole: bool = False


class Loader:
    """Loads snapshots; requests that come while a load runs share the next one."""

    def __init__(self, database: Database, *, group: int = 64) -> None:
        self._database = database
        self._batcher: Batcher[Request, Snapshot] = Batcher(self._load_group, name="load", limit=group)
        among = database.among
        # the texts are made once, so that they stay prepared
        self._arrivals = (
            f"SELECT message_key, state, reply_sealed, owner FROM inbox WHERE {among('message_key', 'text')}",  # noqa: S608 - our own names
            "SELECT a.id, a.channel, a.external_index, a.language, a.consent, a.following, d.form, d.step,"  # noqa: S608
            " d.version, d.state_sealed, d.expires_at, a.person_id, a.blocked, a.window_until, a.window_left FROM accounts a LEFT JOIN dialogues d ON d.account_id = a.id"
            f" WHERE {among('a.channel', 'text')} AND {among('a.external_index', 'text')}",
            "SELECT l.account_id, l.relation, l.resident_id FROM accounts a"  # noqa: S608
            " CROSS JOIN account_residents l"
            f" WHERE {among('a.channel', 'text')} AND {among('a.external_index', 'text')}"
            " AND l.account_id = a.id",
        )
        resident = among("resident_id")
        self._people = (
            f"SELECT {_RESIDENT} FROM residents WHERE {resident}",  # noqa: S608
            f"SELECT {_CODE} FROM health_codes WHERE {resident} ORDER BY held_since, id",  # noqa: S608
            f"SELECT {FACT_COLUMNS} FROM facts WHERE {resident} AND withdrawn_at IS NULL ORDER BY id",  # noqa: S608
            f"SELECT {_PUNCH_IN} FROM punch_ins p WHERE {resident} AND {_SINCE} ORDER BY day",  # noqa: S608
        )
        self._recent_days = f"SELECT {_PUNCH_IN} FROM punch_ins WHERE {resident} AND day >= ? ORDER BY day"  # noqa: S608
        self._notices = (
            "SELECT person_id, id, resident_id, kind, params_sealed, created_at, attempts, account_id, state FROM notices"  # noqa: S608
            f" WHERE {among('person_id')} AND (state = 'queued' OR state = 'failed' AND reason <> 'no_words') AND not_before <= ? AND expires_at > ?"
            " ORDER BY created_at, id"
        )

    async def load(self, request: Request) -> Snapshot:
        """Everything that one message needs; an unknown account gives an empty snapshot."""
        return await self._batcher.submit(request)

    async def residents(self, resident_ids: Collection[int], now: datetime) -> list[Resident]:
        """These residents with codes, facts and days, without an account: for jobs and operators."""
        rows = await self._database.read(_each(self._of_people(resident_ids, resident_ids, now)))
        return list(_residents(rows, set(resident_ids)).values())

    async def close(self) -> None:
        await self._batcher.close()

    async def _load_group(self, requests: list[Request]) -> list[Snapshot | Exception]:
        return await self._database.read(self._load(requests))

    def _load(self, requests: list[Request]) -> Script[list[Snapshot | Exception]]:
        arrivals = yield from _each(self._of_arrivals(requests))
        accounts = {row[2]: account_from(row) for row in arrivals[1]}
        if not accounts:
            return [_snapshot(request, arrivals[0], {}, {}, {}, {}) for request in requests]
        linked: dict[int, list[tuple[str, int]]] = {}
        for account_id, relation, resident_id in arrivals[2]:
            linked.setdefault(account_id, []).append((relation, resident_id))
        now = max(request.now for request in requests)
        people = {resident_id for links in linked.values() for _, resident_id in links}
        wanted = {index for request in requests if request.whole for index in request.external_indexes}
        whole = {
            resident_id
            for index in wanted & accounts.keys()
            for _, resident_id in linked.get(accounts[index][0].id, ())
        }
        waiting = [self._database.listed([account.person_id for account, _ in accounts.values()]), now, now]
        # residents before what belongs to them: what changes in between is noticed by their version
        rows = yield from _each([Ask(self._notices, waiting), *self._of_people(people, whole, now)])
        notices: dict[int, list[WaitingNotice]] = {}
        for row in rows[0]:
            notices.setdefault(row[0], []).append(notice_from(row))
        residents = _residents(rows[1:], whole)
        return [_snapshot(request, arrivals[0], accounts, residents, linked, notices) for request in requests]

    def _of_arrivals(self, requests: list[Request]) -> list[Ask]:
        listed = self._database.listed
        who = [
            listed({request.channel for request in requests}),
            listed({index for request in requests for index in request.external_indexes}),
        ]
        inbox, accounts, links = self._arrivals
        keys = [listed({request.message_key for request in requests})]
        return [Ask(inbox, keys), Ask(accounts, who), Ask(links, who)]

    def _of_people(self, resident_ids: Collection[int], whole: Collection[int], now: datetime) -> list[Ask]:
        """Residents, codes and days; for `whole` ones the facts and all the days that these need, too."""
        ids, today = self._database.listed(resident_ids), now.date()
        others = self._database.listed(each for each in resident_ids if each not in whole)
        people, codes, facts, days = self._people
        statements = [
            Ask(people, [ids]),
            Ask(codes, [ids]),
            Ask(self._recent_days, [others, today - timedelta(days=RECENT_DAYS)]),
        ]
        if whole:
            listed = self._database.listed(whole)
            statements += [Ask(facts, [listed]), Ask(days, [listed, today - timedelta(days=HISTORY_DAYS)])]
        return statements


def _each(questions: Iterable[Ask]) -> Script[list[Sequence[Row]]]:
    """The rows of every question, in order."""
    answers: list[Sequence[Row]] = []
    for question in questions:
        answers.append((yield question))
    return answers


def _residents(rows: Sequence[Sequence[Row]], whole: Collection[int]) -> dict[int, Resident]:
    """Residents with what belongs to them, from the rows of `_of_people`."""
    residents = {row[0]: resident_from(row) for row in rows[0]}
    for row in rows[1]:
        code = code_from(row)
        residents[row[0]].codes[code.scheme] = code
    for resident_id, resident in residents.items():
        if resident_id not in whole:
            resident.standing_facts = None
    facts, days = (rows[3], rows[4]) if whole else ((), ())
    for row in facts:
        residents[row[0]].facts.append(fact_from(row))
    for row in (*rows[2], *days):
        punch_in = punch_in_from(row)
        residents[row[0]].punch_ins[punch_in.day] = punch_in
    return residents


def _snapshot(
    request: Request,
    inbox: Sequence[Row],
    accounts: Mapping[str, tuple[Account, Dialogue]],
    residents: Mapping[int, Resident],
    linked: Mapping[int, list[tuple[str, int]]],
    notices: Mapping[int, list[WaitingNotice]],
) -> Snapshot:
    stored = next((row for row in inbox if row[0] == request.message_key), None)
    snapshot = Snapshot(reply=StoredReply(stored[1], stored[2], stored[3]) if stored else None)
    for index in request.external_indexes:
        if index in accounts:
            snapshot.account, snapshot.dialogue = accounts[index]
            break
    if snapshot.account is not None:
        # oneself first, then members in a stable order
        order = sorted(linked.get(snapshot.account.id, []), key=lambda link: (link[0] != "self", link[1]))
        snapshot.residents = [residents[resident_id] for _, resident_id in order]
        if order and order[0][0] == "self":
            snapshot.own = snapshot.residents[0]
        snapshot.notices = notices.get(snapshot.account.person_id, [])
    return snapshot
