"""Everything away: explained, confirmed by a word that has to be typed, taken back in time; and consent taken back."""

from __future__ import annotations

import re

from bot.conversation.context import Context
from bot.conversation.words import moment_words
from bot.message import Incoming, Reply
from bot.services import deletion
from bot.services.consent import GIVEN, withdraw
from bot.services.deletion import Held, Request, held_by, open_request
from handlers.chat.my_data import COPY, DELETE, has_rights, said, set_aside

KEEP, TAKE_BACK = "不删了", "撤回删除"
_REMAINING = ("residents", "access_log", "deletion_requests")
_DELETE = re.compile(
    r"(?:请|帮我|我想|我要)?(?:把)?(?:删除|删掉|清除|注销|删)(?:掉)?(?:我|我的)?(?:全部|所有|一切|个人)?(?:的)?(?:数据|信息|资料|账号|帐号|账户|帐户)?"
    r"|(?:please )?delete (?:me|everything|my (?:personal )?(?:data|account|information)|all(?: of)? my data)|close my account",
    re.IGNORECASE,
)
_TOO_SHORT = frozenset({"删", "删除", "删掉", "清除"})
_CONFIRM = re.compile(r"确认删除|确定删除|confirm delet(?:e|ion)|delete everything for good", re.IGNORECASE)
_TAKE_BACK = re.compile(
    r"(?:我要|我想)?(?:撤回|取消|撤销|停止)(?:删除|注销)(?:申请|请求|数据)?|(?:先)?不(?:想|要)?(?:删除?|注销)了?|别删(?:了|除)?"
    r"|(?:cancel|stop|undo)(?: the| my)? deletion|(?:don['’]?t|do not) delete(?: my data| it| anything)?|keep my data",
    re.IGNORECASE,
)
_WITHDRAW = re.compile(
    r"(?:我要|我想)?(?:撤回|撤销|收回|取消)(?:我的?)?(?:同意|授权)|(?:我)?不(?:再)?同意了|(?:withdraw|revoke|take back)(?: my)? consent",
    re.IGNORECASE,
)


# -- delete --------------------------------------------------------------------------------------------------


def wants_deletion(message: Incoming, ctx: Context) -> bool:
    """ "删除我的数据", "注销", "delete my data"."""
    words = said(ctx)
    return has_rights(message, ctx) and words not in _TOO_SHORT and _DELETE.fullmatch(words) is not None


async def explain_deletion(message: Incoming, ctx: Context) -> Reply:
    """What goes, what the law lets remain, until when it can be taken back; then the word to type."""
    set_aside(ctx)
    request = await _open(ctx)
    if request is not None:
        return _standing(ctx, request)
    resident = ctx.resident
    held = held_by(ctx.world, resident, ctx.now) if resident is not None else None
    policy = ctx.world.policies.of(resident.division if resident else None)
    rows = await ctx.database.fetch(
        "SELECT COUNT(*) FROM guardianships WHERE guardian_id = ? AND state = 'active'",
        [resident.resident_id if resident else 0],
    )
    return ctx.ask(
        "my_data.explain_deletion",
        (COPY, "my_data.copy_first"),
        (KEEP, "my_data.keep"),
        days=policy.deletion_days,
        remains=_remaining(ctx),
        held=held is not None,
        until=_until(ctx, held),
        most=deletion.LONGEST_WAIT.days,
        members=rows[0][0],
    )


def confirms_deletion(message: Incoming, ctx: Context) -> bool:
    """The word itself, typed."""
    return has_rights(message, ctx) and _CONFIRM.fullmatch(said(ctx)) is not None


async def ask_deletion(message: Incoming, ctx: Context) -> Reply:
    """Record the wish; whoever hasn't just read what it means reads it first."""
    request = await _open(ctx)
    if request is not None:
        return _standing(ctx, request)
    if not any(choice.value == KEEP for choice in ctx.talk.choices):
        return await explain_deletion(message, ctx)
    request = deletion.ask(ctx.world, ctx.work, ctx.account, ctx.resident)
    return _standing(ctx, request, new=True)


def takes_back(message: Incoming, ctx: Context) -> bool:
    """ "撤回删除", "不删了", "cancel deletion"."""
    return has_rights(message, ctx) and _TAKE_BACK.fullmatch(said(ctx)) is not None


async def keep_data(message: Incoming, ctx: Context) -> Reply:
    """Take the wish back; without one nothing has changed."""
    set_aside(ctx)
    request = await _open(ctx)
    if request is None:
        return ctx.reply("my_data.nothing_to_take_back")
    await deletion.cancel(ctx.world, ctx.work, ctx.database, request=request, resident=ctx.resident)
    return ctx.reply("my_data.kept")


async def _open(ctx: Context) -> Request | None:
    resident_id = ctx.resident.resident_id if ctx.resident else 0
    return await open_request(ctx.database, ctx.account.person_id, resident_id)


def _standing(ctx: Context, request: Request, *, new: bool = False) -> Reply:
    held = held_by(ctx.world, ctx.resident, ctx.now) if ctx.resident is not None else None
    return ctx.ask(
        "my_data.will_be_deleted",
        (TAKE_BACK, "my_data.take_back"),
        (COPY, "my_data.copy_first"),
        new=new,
        at=moment_words(ctx, request.due_at),
        held=held is not None,
        until=_until(ctx, held),
        most=deletion.LONGEST_WAIT.days,
    )


def _until(ctx: Context, held: Held | None) -> str:
    return "" if held is None or held.until is None else moment_words(ctx, held.until)


def _remaining(ctx: Context) -> list[str]:
    """What stays after a deletion, as the table of what is kept says it."""
    if ctx.world.retention is None:
        return []
    kept = [ctx.world.retention[table] for table in _REMAINING]
    return [
        each.reason.get(ctx.language) or each.reason["zh"] for each in kept if each.on_deletion != "delete"
    ]


# -- consent -------------------------------------------------------------------------------------------------


def withdraws(message: Incoming, ctx: Context) -> bool:
    """ "撤回同意", "withdraw consent"."""
    return has_rights(message, ctx) and _WITHDRAW.fullmatch(said(ctx)) is not None


async def withdraw_consent(message: Incoming, ctx: Context) -> Reply:
    """From here on nothing is sent unasked and nothing is done, on any account; what is stored waits to be deleted."""
    again = (("同意", "welcome.agree"), (DELETE, "my_data.delete"))
    if ctx.account.consent != GIVEN:
        return ctx.ask("my_data.withdrawn_already", *again)
    await withdraw(ctx.work, ctx.database, ctx.account)
    ctx.talk.clear()
    return ctx.ask("my_data.withdrawn", *again)
