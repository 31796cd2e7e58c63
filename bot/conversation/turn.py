"""One turn of a conversation: from what was loaded to the unit of work and the reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

import orjson

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
from bot.message import Incoming, Reply, Text
from bot.notices.outbox import mark_told, notify
from bot.services.residents import tell_age
from bot.services.world import World
from bot.store import indexes
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.snapshot import Account, Dialogue, Snapshot, WaitingNotice
from bot.store.work import Claim, Work

REPLY_CONTEXT = "inbox.reply"
REPLY_KEPT = timedelta(hours=48)
_NOTICES_AT_ONCE = 3
_REFRESH = timedelta(hours=1)  # how late an expiry may be, so that not every message writes it


@dataclass(frozen=True, slots=True)
class Tools:
    """What every turn uses. `limits` are the bytes that a channel takes in one reply; `told` the channels
    on which waiting notices are added to the next answer."""

    clock: Clock
    world: World
    texts: Texts
    places: Places
    database: Database
    routes: Sequence[Route]
    forms: Mapping[str, Form]
    limits: Mapping[str, int] = field(default_factory=dict)
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Turn:
    """What one message comes to: everything to be written, and what to say once it is."""

    work: Work
    reply: Reply | None
    route: str
    ctx: Context


def message_key(incoming: Incoming) -> str:
    """The inbox key: the same for every delivery, and nothing of the sender can be read from it."""
    return blake2b(f"{incoming.channel}\0{incoming.key}".encode(), digest_size=20).hexdigest()


async def take_turn(
    tools: Tools, incoming: Incoming, snapshot: Snapshot, *, key: str, owner: str = ""
) -> Turn:
    """Answer one message on what was loaded. `owner` is set for a message that was promised before: its
    answer goes out as a notice."""
    keys = tools.world.keys
    work = Work(now=incoming.received_at)
    account = snapshot.account or _new_account(tools, incoming, work)
    talk = open_talk(snapshot.dialogue, keys, incoming.received_at)
    before = _fingerprint(talk)
    _tell_minors(tools, snapshot, incoming)
    ctx = Context(
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
        resident=snapshot.own,
        residents=snapshot.residents,
        choice=picked(talk.choices, incoming.text) if talk.choices and incoming.text else None,
    )
    route, reply = await respond(incoming, ctx, tools.routes)
    if reply is not None:
        if incoming.channel in tools.told and snapshot.notices:
            reply = _with_notices(ctx, reply, snapshot.notices)
        reply = first_page(reply, ctx, tools.limits.get(incoming.channel))
        talk.offer(reply)
    _save_talk(tools, ctx, snapshot, before)
    _claim(tools, ctx, reply, key, owner)
    return Turn(work, reply, route, ctx)


def _new_account(tools: Tools, incoming: Incoming, work: Work) -> Account:
    keys = tools.world.keys
    indexed = indexes.account(incoming.channel, incoming.account)
    account = Account(
        id=new_id(),
        channel=incoming.channel,
        external_index=keys.index(indexed.kind, indexed.value),
        stored=False,
    )
    work.insert(
        "accounts",
        id=account.id,
        channel=account.channel,
        external_index=account.external_index,
        external_sealed=keys.seal("accounts.external", incoming.account),
        created_at=incoming.received_at,
    )
    return account


def _with_notices(ctx: Context, reply: Reply, notices: Sequence[WaitingNotice]) -> Reply:
    """Waiting notices first, as they were meant to come before; each is told once."""
    said = []
    for notice in notices[:_NOTICES_AT_ONCE]:
        text = notice_text(
            ctx.world, ctx.texts, ctx.language, kind=notice.kind, params_sealed=notice.params_sealed
        )
        said.append(Text(text))
        mark_told(ctx.work, notice.id, notice.resident_id, ctx.message.channel)
    return Reply((*said, *reply.parts))


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


def _claim(tools: Tools, ctx: Context, reply: Reply | None, key: str, owner: str) -> None:
    plain = reply_to_plain(reply) if reply is not None else None
    if owner and reply is not None:
        notify(
            ctx.work,
            tools.world.keys,
            resident_id=ctx.resident.resident_id if ctx.resident else 0,
            account_id=ctx.account.id,
            kind="result",
            params={"text": render_text(reply)},
            dedup_key=f"result:{key}",
        )
    wire = tools.clock.wire()
    ctx.work.claim = Claim(
        message_key=key,
        account_id=ctx.account.id,
        reply_sealed=tools.world.keys.seal_json(REPLY_CONTEXT, plain) if plain is not None else None,
        received_at=wire,
        expires_at=wire + REPLY_KEPT,
        owner=owner,
    )
