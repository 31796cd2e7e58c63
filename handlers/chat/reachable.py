"""Why no notice came, in which way the next one comes, how many are left, and the hours in which none may."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.conversation.context import Context
from bot.conversation.due_words import ask_due, due_words
from bot.conversation.forms import open_question
from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.times import read_hours
from bot.conversation.words import moment_words
from bot.message import Incoming, Reply
from bot.notices.conditions import BY_REASON, REMINDER, Ends
from bot.notices.due import Due
from bot.notices.ledger import wake_person
from bot.notices.quiet_hours import QUIET_FROM, QUIET_UNTIL
from bot.notices.reachability import Channel, Obstacle, Question, Unreachable
from bot.notices.windows import WINDOWS

_KIND = "colour_changed"  # what most people wait for
_LONGEST = 60
_NOTICE = r"(?:提醒|通知|推送)"
_ASKS = re.compile(
    rf"(?:没有?|未|收不到|接不到)(?:有|能|再|给我|收到|接到|收|发来|发|来|见|看到|过|到|任何|什么|新的?|你们?的?|变色的?|颜色的?|打卡的?)*{_NOTICE}(?!的?方式)"
    rf"|{_NOTICE}(?:都|也|怎么|为什么|为啥|一直|还|总|从来)*(?:没有?|未|收不到|不)(?:收到|发|来|到|见|有|推|了|$)"
    rf"|{_NOTICE}(?:次数)?(?:还|还有|还剩|还剩下|剩|剩下|剩余|有)*(?:几|多少)(?:次|条|个)|(?:还剩|剩下?|还有|剩余)(?:几|多少)(?:次|条|个){_NOTICE}"
    rf"|(?:怎么|怎样|如何)(?:才能?)?(?:收到?|接收){_NOTICE}"
)
_ASKS_ENGLISH = re.compile(
    r"\b(?:no|not|never|didn'?t|don'?t|haven'?t|without|missed|missing)\b.{0,30}\b(?:reminders?|notif\w+|notices?)\b"
    r"|\b(?:reminders?|notif\w+|notices?)\b.{0,20}\b(?:left|remain\w*|missing|not (?:come|arriv\w+))"
    r"|\bhow many (?:reminders?|notif\w+|notices?)\b|\bhow (?:do|will|can) i (?:get|receive) (?:reminders?|notif\w+|notices?)\b"
)
_WANTS_NONE = re.compile(
    r"^(?:please )?no (?:more )?(?:reminders?|notifications?|notices?)(?: (?:on|at) (?:the )?weekends?)?[.!]?$"
)
_COLOUR = re.compile(r"[红黄灰]码|[变成转是][了成为]?[红黄灰]|[红黄灰]了|\b(?:red|yellow|gr[ae]y|colou?r)\b")
_RECEIVE = re.compile(r"收|\b(?:get|got|receive)")
_QUIET = re.compile(
    r"^(?:请|帮我|我?[要想]|把|设置?|修改|更改|改|set |change |my |the )*"
    r"(?P<verb>关闭|关掉?|取消|打开|开启|恢复|turn off |turn on )?(?:免打[扰擾]|勿[扰擾]|quiet hours?|do not disturb|dnd)"
    r"(?:时间段?|时段|模式|功能)?(?:设置?成?|改成?|调成?|为|是| to| from|[:,，：])?\s*(?P<rest>.*)$"
)
_OFF = re.compile(r"^(?:[关關]闭?|[关關]掉|取消|不要了?|off|none|never)[。.!！]?$|^(?:关|取消|turn off)")
_ON = re.compile(r"^(?:打?开|开启|恢复|默认|on|default|reset)")
_HOURS = "SELECT quiet_from, quiet_until FROM residents WHERE resident_id = ?"
_NOT_OURS_TO_FIX = frozenset({"no_template", "channel_off", "platform_broken"})
_BY_CONTACT = frozenset({"window_closed", "window_used_up", "unfollowed", "blocked"})

_BESIDE_THE_WINDOW = frozenset(
    {"no_template", "not_subscribed", "subscription_refused", "subscription_used_up", "no_form"}
)


# -- what is asked -------------------------------------------------------------------------------------------


def asks_reach(message: Incoming, ctx: Context) -> bool:
    """ "为什么没收到提醒", "提醒还剩几次", "why did I get no reminder"; not a report that mentions one."""
    if not ctx.text or len(ctx.text) > _LONGEST:
        return False
    said = plain(ctx.text)
    if not (_ASKS.search(said) or _ASKS_ENGLISH.search(said)) or _WANTS_NONE.match(said):
        return False
    if _COLOUR.search(said) and not _RECEIVE.search(said):  # why it is red is another question
        return False
    heard = ctx.understood
    return not (
        heard.temperature_tenths is not None or heard.symptoms or heard.no_symptoms or heard.no_change
    )


def sets_quiet_hours(message: Incoming, ctx: Context) -> bool:
    """ "免打扰", "免打扰 22:00-07:00", "免打扰 关", "quiet hours 10pm-7am"."""
    return bool(ctx.text) and len(ctx.text) <= _LONGEST and _QUIET.match(plain(ctx.text)) is not None


# -- how notices come ----------------------------------------------------------------------------------------


async def explain_reach(message: Incoming, ctx: Context) -> Reply:
    """In which way a notice would come now, or why none does and what helps; what is left; the quiet hours."""
    ctx.aside = open_question(ctx)
    questions = [Question(ctx.account.person_id, kind) for kind in (_KIND, REMINDER)]
    news, reminder = await ctx.reachability.reach_many(ctx.database, questions, ctx.now)
    due = await ask_due(ctx)
    lines = _reach_words(ctx, news)
    lines.append(due_words(ctx, due))
    # a reminder that isn't due has no way to be told of
    if isinstance(due, Due) and _differ(news, reminder):
        lines += [ctx.say("reachable.reminders_apart"), *_reach_words(ctx, reminder)]
    lines += await _left_words(ctx)
    lines.append(await _hours_words(ctx))
    return Reply.of("\n".join(lines))


def _reach_words(ctx: Context, answer: Channel | Unreachable) -> list[str]:
    return [_way_words(ctx, answer)] if isinstance(answer, Channel) else _closed_words(ctx, answer)


def _differ(one: Channel | Unreachable, other: Channel | Unreachable) -> bool:
    """Whether reminders reach the person in another way than news of a colour, or for other reasons don't."""
    if isinstance(one, Channel) and isinstance(other, Channel):
        return (one.account_id, one.way) != (other.account_id, other.way)
    if isinstance(one, Channel) or isinstance(other, Channel):
        return True
    return {each.reason for each in one.reasons} != {each.reason for each in other.reasons}


def _way_words(ctx: Context, channel: Channel) -> str:
    where = "here" if channel.account_id == ctx.account.id else channel.channel
    return ctx.say(f"reachable.by_{channel.way}", where=ctx.say(f"reachable.on_{where}"))


def _closed_words(ctx: Context, closed: Unreachable) -> list[str]:
    """One line for each reason that the person can understand or do something about; others only alone."""
    reasons = list(dict.fromkeys(each.reason for each in closed.reasons))
    told = [reason for reason in reasons if reason not in _NOT_OURS_TO_FIX] or reasons[:1]
    opened = _opened_by_writing(ctx, closed.reasons)
    lines = [ctx.say("reachable.until_now" if opened else "reachable.closed")]
    lines += [f"· {ctx.say(f'reachable.why_{reason}')}" for reason in told]
    if opened:
        lines.append(ctx.say("reachable.opened"))
    elif closed.again_at is not None:
        lines.append(ctx.say("reachable.again_at", at=moment_words(ctx, closed.again_at)))
    if any(BY_REASON[reason].ends in (Ends.QUIET, Ends.DAY) for reason in told):
        lines.append(ctx.say("reachable.urgent_comes"))
    return lines


def _opened_by_writing(ctx: Context, reasons: Sequence[Obstacle]) -> bool:
    """Whether the very message that asks has ended what kept notices from this account."""
    if (ctx.message.channel, ctx.message.kind) not in WINDOWS:
        return False
    here = {each.reason for each in reasons if each.account_id in (ctx.account.id, None)}
    return bool(here & _BY_CONTACT) and here <= _BY_CONTACT | _BESIDE_THE_WINDOW


async def _left_words(ctx: Context) -> list[str]:
    left = await ctx.reachability.left(ctx.account.person_id, ctx.now)
    lines = []
    for each in left.reminders:
        if each.standing == "form" and each.kind != _KIND:
            continue  # a form is for any kind: said once
        key = f"reachable.kind_{each.kind}"
        name = ctx.say(key) if ctx.texts.has(key) else each.kind
        words = ctx.say("reachable.left_always") if each.left is None else ""
        lines.append(ctx.say("reachable.left", kind=name, left=each.left or 0, words=words))
    if any(each.left is not None and each.left <= 1 and each.standing != "form" for each in left.reminders):
        lines.append(ctx.say("reachable.renew"))
    return lines


# -- quiet hours ---------------------------------------------------------------------------------------------


async def set_quiet_hours(message: Incoming, ctx: Context) -> Reply:
    """Change the hours, or show them where none are named; what was understood is read back."""
    ctx.aside = open_question(ctx)
    found = _QUIET.match(plain(ctx.text))
    verb, rest = (found["verb"] or "", found["rest"].strip()) if found else ("", "")
    if not verb and not rest:
        return Reply.of(await _hours_words(ctx))
    if ctx.resident is None:
        return ctx.ask("reachable.declare_first", ("申报", "welcome.declare"))
    if _OFF.match(rest) or (_OFF.match(verb) and not rest):
        return _keep_hours(ctx, 0, 0)
    if _ON.match(rest) or (_ON.match(verb) and not rest):
        return _keep_hours(ctx, None, None)
    hours = read_hours(rest)
    if hours is None:
        return ctx.reply("reachable.hours_unread")
    if hours[0] == hours[1]:
        return ctx.reply("reachable.hours_same")
    return _keep_hours(ctx, *hours)


def _keep_hours(ctx: Context, first: int | None, last: int | None) -> Reply:
    assert ctx.resident is not None
    ctx.work.update(
        "residents", {"resident_id": ctx.resident.resident_id}, quiet_from=first, quiet_until=last
    )
    wake_person(ctx.work, ctx.account.person_id, ("quiet_hours",))
    if first is not None and first == last:
        return ctx.reply("reachable.hours_off")
    return ctx.reply("reachable.hours_kept", hours=_range_words(first, last))


async def _hours_words(ctx: Context) -> str:
    rows = await ctx.database.fetch(_HOURS, [ctx.resident.resident_id]) if ctx.resident else []
    first, last = (rows[0][0], rows[0][1]) if rows else (None, None)
    if first is not None and first == last:
        return ctx.say("reachable.hours_are_off")
    return ctx.say("reachable.hours_are", hours=_range_words(first, last))


def _range_words(first: int | None, last: int | None) -> str:
    ends = (QUIET_FROM if first is None else first, QUIET_UNTIL if last is None else last)
    return "–".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in ends)
