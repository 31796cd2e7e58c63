"""One turn of a conversation: from what was loaded to the unit of work and the reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from bot.channels.plain_text import picked, render_text
from bot.clock import Clock
from bot.conversation.context import Context
from bot.conversation.dialogue import KEPT, Talk, open_talk, talk_row
from bot.conversation.forms import Form
from bot.conversation.paging import first_page
from bot.conversation.recorded import reply_to_plain
from bot.conversation.routing import Route, respond
from bot.conversation.texts import Texts
from bot.conversation.told import notice_text
from bot.conversation.understanding.places import Places
from bot.errors import NoWords
from bot.message import Incoming, Reply, Text
from bot.notices.kinds import KINDS
from bot.notices.ledger import wake_person
from bot.notices.outbox import mark_told, notify, try_again
from bot.notices.windows import CONTACTS, note_contact
from bot.services.consent import GIVEN
from bot.services.residents import tell_age
from bot.services.world import World
from bot.store import indexes
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.snapshot import Account, Dialogue, Snapshot, WaitingNotice
from bot.store.work import Claim, Work

if TYPE_CHECKING:
    from bot.notices.reachability import Reachability

Act = Callable[[Context], Awaitable[Any]]
"""What the front end asks for: it records changes on the context and returns plain data."""

REPLY_CONTEXT = "inbox.reply"
_log = structlog.get_logger("conversation")
REPLY_KEPT = timedelta(hours=48)
_ANSWER_KEPT = timedelta(hours=24)  # an answer that couldn't be sent for a day answers nothing any more
_NOTICES_AT_ONCE = 3
_REFRESH = timedelta(hours=1)  # how late an expiry may be, so that not every message writes it


@dataclass(frozen=True, slots=True)
class Tools:
    """What every turn uses. `limits` are the bytes that a channel takes in one reply; `told` the channels
    on which waiting notices are added to the next answer; `by_notice` those that take no passive reply, so that
    the answer itself is queued as a notice."""

    clock: Clock
    world: World
    texts: Texts
    places: Places
    database: Database
    routes: Sequence[Route]
    forms: Mapping[str, Form]
    reachability: Reachability
    template_kinds: Mapping[tuple[str, str], str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    by_notice: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Turn:
    """What one message comes to: everything to be written, and what to say once it is."""

    work: Work
    reply: Reply | None
    route: str
    ctx: Context
    result: Any = None


def message_key(incoming: Incoming) -> str:
    """The inbox key: the same for every delivery, and nothing of the sender can be read from it."""
    return blake2b(f"{incoming.channel}\0{incoming.key}".encode(), digest_size=20).hexdigest()


async def take_turn(
    tools: Tools, incoming: Incoming, snapshot: Snapshot, *, key: str, owner: str = ""
) -> Turn:
    """Answer one message on what was loaded. `owner` is set for a message that was promised before: its
    answer goes out as a notice."""
    ctx = _context(tools, incoming, snapshot)
    before = _fingerprint(ctx.talk)
    agreed = ctx.account.consent == GIVEN
    note_contact(ctx.work, ctx.account, incoming, wire=tools.clock.wire())
    route, reply = await respond(incoming, ctx, tools.routes)
    if reply is not None:
        reply = _with_notices(tools, ctx, reply, snapshot, agreed, promised=bool(owner))
        reply = first_page(reply, ctx, tools.limits.get(incoming.channel))
        ctx.talk.offer(reply)
    elif incoming.kind in CONTACTS:
        _wake(ctx.work, ctx.account, snapshot.notices)
    _save_talk(tools, ctx, snapshot, before)
    _claim_message(tools, ctx, reply, key, owner)
    return Turn(ctx.work, reply, route, ctx)


async def take_call(tools: Tools, call: Incoming, snapshot: Snapshot, act: Act, *, key: str) -> Turn:
    """Do what the front end asks for, with the same context and unit of work as a message.

    What `act` returns is plain data; it is kept with the claim, so that the same call gets it again.
    """
    ctx = _context(tools, call, snapshot)
    result = await act(ctx)
    _claim(tools, ctx, tools.world.keys.seal_json(REPLY_CONTEXT, {"result": result}), key)
    return Turn(ctx.work, None, "call", ctx, result)


def _context(tools: Tools, incoming: Incoming, snapshot: Snapshot) -> Context:
    work = Work(now=incoming.received_at)
    account = snapshot.account or _new_account(tools, incoming, work)
    talk = open_talk(snapshot.dialogue, tools.world.keys, incoming.received_at)
    _tell_minors(tools, snapshot, incoming)
    return Context(
        message=incoming,
        now=incoming.received_at,
        account=account,
        talk=talk,
        work=work,
        world=tools.world,
        texts=tools.texts,
        places=tools.places,
        database=tools.database,
        forms=tools.forms,
        reachability=tools.reachability,
        template_kinds=tools.template_kinds,
        resident=snapshot.own,
        residents=snapshot.residents,
        choice=picked(talk.choices, incoming.text) if talk.choices and incoming.text else None,
    )


def _new_account(tools: Tools, incoming: Incoming, work: Work) -> Account:
    keys = tools.world.keys
    indexed = indexes.account(incoming.channel, incoming.account)
    account_id = new_id()
    account = Account(
        id=account_id,
        person_id=account_id,
        channel=incoming.channel,
        external_index=keys.index(indexed.kind, indexed.value),
        stored=False,
    )
    work.insert(
        "accounts",
        id=account.id,
        person_id=account.person_id,
        channel=account.channel,
        external_index=account.external_index,
        external_sealed=keys.seal("accounts.external", incoming.account),
        created_at=incoming.received_at,
    )
    return account


def _with_notices(
    tools: Tools, ctx: Context, reply: Reply, snapshot: Snapshot, agreed: bool, *, promised: bool
) -> Reply:
    """Waiting notices first, as they were meant to come before; each is told once, and only in an answer that
    is given at once: one that is itself sent later may never arrive. The others are sent now that the person is
    here."""
    said: list[Text] = []
    told: set[int] = set()
    channel = ctx.message.channel
    if channel in tools.told and not promised:
        for notice in snapshot.notices:
            text = _words_of(ctx, notice, agreed) if len(said) < _NOTICES_AT_ONCE else None
            if text is not None:
                said.append(Text(text))
                told.add(notice.id)
                mark_told(ctx.work, notice, channel)
    _wake(ctx.work, ctx.account, [notice for notice in snapshot.notices if notice.id not in told])
    return Reply((*said, *reply.parts))


def _words_of(ctx: Context, notice: WaitingNotice, agreed: bool) -> str | None:
    """What it says to this account; None if it isn't for it, or can't be read."""
    kind = KINDS.get(notice.kind)
    if kind is None or not (agreed or kind.asked):
        return None
    if kind.own_account and notice.account_id != ctx.account.id:
        return None
    try:
        return notice_text(
            ctx.world, ctx.texts, ctx.language, kind=notice.kind, params_sealed=notice.params_sealed
        )
    except NoWords as error:
        _log.warning("notice has no text", action="notice_read_fail", notice=notice.id, error=str(error))
        return None


def _wake(work: Work, account: Account, notices: Sequence[WaitingNotice]) -> None:
    """Whoever is here can be reached: what waits is looked at again."""
    if not notices:
        return
    for notice in notices:
        if notice.state == "failed":
            try_again(work, notice)
    wake_person(work, account.person_id)


def _save_talk(tools: Tools, ctx: Context, snapshot: Snapshot, before: tuple[str, str, bytes]) -> None:
    """Write the dialogue if it moved, or to keep a form alive; whoever read it must still find its version."""
    talk: Talk = ctx.talk
    account_id, stored = ctx.account.id, snapshot.dialogue
    if stored.stored:
        ctx.work.expect("dialogues", account_id, stored.version)
    moved = _fingerprint(talk) != before or (talk.form and not stored.stored)
    if not moved and not _runs_out(talk, stored, ctx.now):
        return
    row = talk_row(talk, tools.world.keys, ctx.now)
    if stored.stored:
        ctx.work.update("dialogues", {"account_id": account_id}, version=stored.version + 1, **row)
    else:
        ctx.work.insert("dialogues", account_id=account_id, version=1, **row)


def _fingerprint(talk: Talk) -> tuple[str, str, bytes]:
    """The dialogue as it would be stored; handlers change its answers in place."""
    plain = talk.plain()
    return talk.form, talk.step, orjson.dumps(plain) if plain else b""


def _runs_out(talk: Talk, stored: Dialogue, now: datetime) -> bool:
    """Whether the form under way would expire although its person is here."""
    return bool(talk.form and stored.expires_at and stored.expires_at < now + KEPT - _REFRESH)


def _tell_minors(tools: Tools, snapshot: Snapshot, incoming: Incoming) -> None:
    """Age is sealed; where rules will read it, it is opened once."""
    for resident in snapshot.residents:
        if resident.standing_facts is not None and resident.birth_sealed is not None:
            tell_age(tools.world.keys, resident, incoming.received_at)


def _claim_message(tools: Tools, ctx: Context, reply: Reply | None, key: str, owner: str) -> None:
    """The reply goes into the claim; it is a notice too where the channel takes none, or where it was promised."""
    if reply is None:
        _claim(tools, ctx, None, key, owner)
        return
    by_notice = ctx.message.channel in tools.by_notice
    if owner or by_notice:
        kind = "answer" if by_notice else "result"
        notify(
            ctx.work,
            tools.world.keys,
            resident_id=ctx.resident.resident_id if ctx.resident else 0,
            person_id=ctx.account.person_id,
            account_id=ctx.account.id,
            kind=kind,
            params={"text": render_text(reply)},
            dedup_key=f"{kind}:{key}",
            expires_at=ctx.now + _ANSWER_KEPT if by_notice else None,
        )
    _claim(tools, ctx, tools.world.keys.seal_json(REPLY_CONTEXT, reply_to_plain(reply)), key, owner)


def _claim(tools: Tools, ctx: Context, reply_sealed: bytes | None, key: str, owner: str = "") -> None:
    wire = tools.clock.wire()
    ctx.work.claim = Claim(
        message_key=key,
        account_id=ctx.account.id,
        reply_sealed=reply_sealed,
        received_at=wire,
        expires_at=wire + REPLY_KEPT,
        owner=owner,
    )
