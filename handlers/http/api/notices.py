"""The notices of a person: their words, what became of each, and why one was not sent."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.conversation.told import notice_text
from bot.errors import NoWords
from bot.store.database import instant, instant_or_none
from handlers.http.api.bodies import Told
from handlers.http.api.calls import Call
from handlers.http.api.pages import Cursor, Place

NoticeState = Literal["queued", "sending", "sent", "failed", "unknown", "expired", "replaced"]


class NoticeTold(Told):
    """One message that the system sent by itself, or means to."""

    id: str = Field(pattern="^[0-9]{1,19}$")
    kind: str = Field(examples=["colour_changed"])
    text: str | None = Field(description="Null where it can no longer be read.")
    urgent: bool
    state: NoticeState = Field(description="`unknown`: it may have arrived; it isn't sent again by itself.")
    reason: str = Field(description="Why it isn't sent; empty where nothing is in its way.")
    reason_text: str
    channel: str = Field(description="Over which it went; empty before.")
    created_at: datetime
    sent_at: datetime | None


class Notices(Told):
    """One page, the newest first. `next` is null on the last one."""

    notices: list[NoticeTold]
    next: Cursor | None


async def list_notices(call: Call) -> Notices:
    """A page of the notices to this person, over whichever account."""
    ctx, limit = call.ctx, call.query.limit
    behind = Place.behind(call.query)
    condition, params = behind.condition("created_at") if behind else ("", [])
    rows = await ctx.database.fetch(
        "SELECT id, kind, params_sealed, priority, state, reason, channel, created_at, sent_at FROM notices"  # noqa: S608 - our own names
        f" WHERE person_id = ?{condition} ORDER BY created_at DESC, id DESC LIMIT ?",
        [ctx.account.person_id, *params, limit + 1],
    )
    page = rows[:limit]
    told = []
    for number, kind, sealed, priority, state, reason, channel, created_at, sent_at in page:
        told.append(
            NoticeTold(
                id=str(number),
                kind=kind,
                text=_text(call, kind, sealed, urgent=priority > 0),
                urgent=priority > 0,
                state=state,
                reason=reason,
                reason_text=reason_words(call, reason),
                channel=channel,
                created_at=instant(created_at),
                sent_at=instant_or_none(sent_at),
            )
        )
    more = Place(instant(page[-1][7]), page[-1][0]).cursor() if len(rows) > limit else None
    return Notices(notices=told, next=more)


def _text(call: Call, kind: str, sealed: bytes, *, urgent: bool) -> str | None:
    ctx = call.ctx
    try:
        return notice_text(ctx.world, ctx.texts, ctx.language, kind=kind, params_sealed=sealed, urgent=urgent)
    except NoWords:
        return None


def reason_words(call: Call, reason: str) -> str:
    """The reason in words, where the chat has words for it."""
    key = f"reachable.why_{reason}"
    return call.ctx.say(key) if reason and call.ctx.texts.has(key) else ""
