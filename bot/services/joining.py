"""Moves what belongs to one person to another: accounts, whom they speak for, and what waits to be told.

What is read for it is held by versions: the residents of both sides move on by one, so that whatever was worked
out from the state before is worked out anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.notices.ledger import wake_person
from bot.store.database import Database, Row, instant, instant_or_none
from bot.store.ids import new_id
from bot.store.work import Work


@dataclass(frozen=True, slots=True)
class Link:
    """One account of the newer person, and one resident for whom it speaks (None: for nobody)."""

    account_id: int
    person_id: int
    link_id: int | None
    relation: str | None
    resident_id: int | None
    input_version: int
    dialogue_version: int | None


async def links_of(database: Database, account_id: int) -> list[Link]:
    """Every account of the person behind that account, with those for whom it speaks."""
    rows = await database.fetch(
        "SELECT a.id, a.person_id, l.id, l.relation, l.resident_id, r.input_version, d.version FROM accounts a"
        " LEFT JOIN account_residents l ON l.account_id = a.id"
        " LEFT JOIN residents r ON r.resident_id = l.resident_id"
        " LEFT JOIN dialogues d ON d.account_id = a.id"
        " WHERE a.person_id = (SELECT person_id FROM accounts WHERE id = ? AND consent = 'given')"
        " ORDER BY a.id, l.resident_id",
        [account_id],
    )
    return [Link(*row) for row in rows]


def own_of(links: Sequence[Link], account_id: int) -> Link | None:
    return next((each for each in links if each.account_id == account_id and each.relation == "self"), None)


async def join(
    work: Work, database: Database, links: Sequence[Link], own: Link, *, resident_id: int, person_id: int
) -> None:
    """The accounts of `links` become that person's, and speak for the verified resident instead of the one that
    `own` had declared, who keeps everything and for whom nobody speaks any more."""
    for each in links:
        if each.resident_id not in (None, resident_id):
            hold(work, each.resident_id, each.input_version)
        _move_account(work, each, person_id)
    _move_links(work, links, own, resident_id)
    await _move_guardianships(work, database, links, own, resident_id)
    await _move_notices(work, database, own.person_id, person_id)
    wake_person(work, person_id)


async def take_over(
    work: Work, database: Database, links: Sequence[Link], own: Link, *, resident_id: int, version: int
) -> None:
    """The person of `links` is the verified resident for whom only guardians spoke so far: their accounts speak for
    it as for oneself, and the guardians go on until they are released."""
    for each in links:
        if each.resident_id not in (None, resident_id):
            hold(work, each.resident_id, each.input_version)
    hold(work, resident_id, version)
    _move_links(work, links, own, resident_id)
    await _move_guardianships(work, database, links, own, resident_id)


def hold(work: Work, resident_id: int, version: int) -> None:
    """Whatever is being worked out from the same state conflicts with this, and is worked out anew."""
    work.expect("residents", resident_id, version)
    work.update("residents", {"resident_id": resident_id}, input_version=version + 1)


def _move_account(work: Work, link: Link, person_id: int) -> None:
    """A form that was under way there was about somebody for whom the account no longer speaks."""
    work.update("accounts", {"id": link.account_id}, person_id=person_id)
    if link.dialogue_version is not None and ("dialogues", link.account_id) not in work.expected:
        work.expect("dialogues", link.account_id, link.dialogue_version)
        work.delete("dialogues", {"account_id": link.account_id})


def _move_links(work: Work, links: Sequence[Link], own: Link, resident_id: int) -> None:
    """Accounts that spoke for the declared resident as for oneself now do so for the verified one."""
    there = {each.account_id: each for each in links if each.resident_id == resident_id}
    for each in links:
        if each.relation != "self" or each.resident_id != own.resident_id:
            continue
        work.delete("account_residents", {"resident_id": each.resident_id, "id": each.link_id})
        already = there.get(each.account_id)
        if already is not None:  # it was guarding the very resident that it now is
            work.update(
                "account_residents", {"resident_id": resident_id, "id": already.link_id}, relation="self"
            )
            continue
        work.insert(
            "account_residents",
            id=new_id(),
            account_id=each.account_id,
            resident_id=resident_id,
            relation="self",
            since=work.now,
        )


async def _move_guardianships(
    work: Work, database: Database, links: Sequence[Link], own: Link, resident_id: int
) -> None:
    """Whom the declared resident guards stays guarded, by the verified one; every account of both speaks for them."""
    moving = [
        each.account_id for each in links if each.relation == "self" and each.resident_id == own.resident_id
    ]
    staying = await database.fetch(
        "SELECT account_id FROM account_residents WHERE resident_id = ? AND relation = 'self'", [resident_id]
    )
    rows = await database.fetch(
        "SELECT resident_id, id, guardian_id, state FROM guardianships WHERE guardian_id IN (?, ?)"
        " AND state <> 'ended'",
        [resident_id, own.resident_id],
    )
    kept = {row[0]: row[3] for row in rows if row[2] == resident_id}
    everybody = dict.fromkeys([*moving, *(row[0] for row in staying)])
    for member_id, guardianship_id, guardian_id, state in rows:
        standing = kept.get(member_id, state)
        if guardian_id == own.resident_id:
            _move_guardianship(work, (member_id, guardianship_id), resident_id, both=member_id in kept)
        if member_id == resident_id:
            continue
        for account_id in everybody:
            if standing == "active":
                _speak(work, account_id, member_id)
            elif state == "active":  # the other bond, which counts from here on, isn't confirmed
                key = {"resident_id": member_id, "account_id": account_id, "relation": "guardian"}
                work.delete("account_residents", key)


def _move_guardianship(work: Work, key: tuple[int, int], resident_id: int, *, both: bool) -> None:
    member_id, guardianship_id = key
    found = {"resident_id": member_id, "id": guardianship_id}
    if both or member_id == resident_id:
        work.update(
            "guardianships", found, state="ended", ended_at=work.now, ended_by="joined", expires_at=None
        )
    else:
        work.update("guardianships", found, guardian_id=resident_id)


def _speak(work: Work, account_id: int, member_id: int) -> None:
    work.insert_once(
        "account_residents",
        id=new_id(),
        account_id=account_id,
        resident_id=member_id,
        relation="guardian",
        since=work.now,
    )


async def _move_notices(work: Work, database: Database, old_person: int, person_id: int) -> None:
    """What waits for the newer person waits for the older one; what both were to be told is told once."""
    rows = await database.fetch(
        "SELECT resident_id, id, dedup_key, attempts, state, failures, not_before, try_at FROM notices"
        " WHERE person_id = ? AND state IN ('queued', 'failed', 'sending')",
        [old_person],
    )
    known = {(row[0], row[1]) for row in await _known(database, person_id, [row[2] for row in rows])}
    for row in rows:
        _move_notice(work, row, person_id, known)


def _move_notice(work: Work, row: Row, person_id: int, known: set[tuple[int, str]]) -> None:
    resident_id, notice_id, dedup_key, attempts, state, failures, not_before, try_at = row
    key = {"resident_id": resident_id, "id": notice_id}
    if state == "queued" and (resident_id, _for(person_id, dedup_key)) in known:
        work.expect("notices", notice_id, attempts)
        work.update("notices", key, state="replaced")
        return
    changed: dict[str, Any] = {"person_id": person_id}
    if state == "queued" and not failures:
        changed["try_at"] = max(instant(not_before), work.now)
    elif state == "queued":
        changed["try_at"] = instant_or_none(try_at) or work.now
    work.update("notices", key, **changed)


async def _known(database: Database, person_id: int, dedup_keys: Sequence[str]) -> Sequence[Row]:
    """Which of these the person has or had as well, whatever became of it."""
    if not dedup_keys:
        return ()
    return await database.fetch(
        "SELECT resident_id, dedup_key FROM notices WHERE person_id = ? AND state <> 'replaced'"  # noqa: S608 - our own text
        f" AND {database.among('dedup_key', 'text')}",
        [person_id, database.listed([_for(person_id, each) for each in dedup_keys])],
    )


def _for(person_id: int, dedup_key: str) -> str:
    """The same notice to another person: the key begins with whom it is for."""
    return f"{person_id}:{dedup_key.partition(':')[2]}"
