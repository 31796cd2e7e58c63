"""What the platform tells by itself: who agreed to notices, and that a notice which was sent never arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.conversation.context import Context
from bot.message import Delivery, Incoming
from bot.notices import ledger

# what a failed delivery says about its account
_STANDINGS: Mapping[str, Mapping[str, Any]] = {
    "user_block": {"blocked": True},
    "wechat_43019": {"blocked": True},
    "wechat_43004": {"following": False},
}
# "user refuse to accept the msg": whatever was counted, there is no agreement
_REFUSED = "wechat_43101"
_SENT = "SELECT id, resident_id, account_id, kind, attempts FROM notices WHERE platform_id = ? AND channel = ? AND account_id = ? AND state = 'sent'"


async def note_consents(message: Incoming, ctx: Context) -> None:
    """Count what was agreed to or refused; a template that isn't set up here has no kind of notice."""
    kinds = ((ctx.template_kinds.get((message.channel, each.template_id)), each) for each in message.consents)
    known = [(kind, each.given) for kind, each in kinds if kind is not None]
    if not known:
        return
    ledger.note_consents(ctx.work, ctx.account.id, known, now=ctx.now)
    if any(given for _, given in known):
        ledger.wake_person(ctx.work, ctx.account.person_id)


async def note_deliveries(message: Incoming, ctx: Context) -> None:
    """A notice that the platform took but couldn't deliver has failed; it is still told with the next answer."""
    for delivery in message.deliveries:
        if not delivery.arrived:
            await _note_failure(delivery, message, ctx)


async def _note_failure(delivery: Delivery, message: Incoming, ctx: Context) -> None:
    rows = await ctx.database.fetch(_SENT, [delivery.platform_id, message.channel, ctx.account.id])
    standing = _STANDINGS.get(delivery.reason)
    for number, resident_id, account_id, kind, attempts in rows:
        ctx.work.expect("notices", number, attempts)
        ctx.work.update(
            "notices", {"resident_id": resident_id, "id": number}, state="failed", reason=delivery.reason
        )
        if standing is not None:
            ctx.work.update("accounts", {"id": account_id}, **standing)
        if delivery.reason == _REFUSED:
            ledger.note_consents(ctx.work, account_id, [(kind, False)], now=ctx.now)
