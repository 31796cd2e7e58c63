"""When the daily reminder comes: at one's own hour, on workdays only, never, or as the community has it."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.conversation.context import Context
from bot.conversation.due_words import clock_words
from bot.conversation.forms import open_question
from bot.conversation.reminder_settings import ALL, NONE, WORKDAYS, Settings, read_settings, reminder_hours
from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.times import Time, read_times
from bot.conversation.understanding.zones import zone_words
from bot.message import Incoming, Reply
from bot.notices.quiet_hours import known_zone, minute_of_day

_LONGEST = 60
_REMINDS = re.compile(r"提醒|闹钟|\bremind")
_REPORT = re.compile(
    r"3[4-9]\.\d(?!\d)|4[0-3]\.\d(?!\d)|体温|症状|正常|没变化|发[烧热]|咳|no change|symptom|fever|normal"
)
_MOVED = re.compile(
    r"^(?:请|帮我|把?时间|都)*(?:改|换|调|推迟|提前)(?:到|成|为|在)?(?P<rest>.*)$|^(?:change|move) (?:it )?to (?P<to>.*)$"
)
_SHOWS = re.compile(
    r"^(?:我的|查看?|看看?)*提醒(?:的?(?:设置|时间|情况))?(?:是什么|是几点|呢)?[?]?$|(?:什么时候|几点|啥时候)(?:会|来|给)*提醒|提醒.{0,4}(?:什么时候|几点)"
    r"|^(?:my |show |the )*remind(?:er|ers)(?: settings?| time)?[?]?$|\b(?:when|what time)\b.{0,16}\bremind"
)
_WEEKEND = re.compile(r"周末|周六周日|周六、?日|星期六|双休|休息日|节假日|\bweekends?\b")
_WORKDAYS = re.compile(
    r"工作日|周一(?:到|至|-)周五|上班(?:的?日子|时间)|\b(?:work ?days?|week ?days?|working days)\b"
)
_NOT = re.compile(
    r"(?:不要|不用|不必|不需要|不想|不|别|勿|停止?|取消|关闭?|关掉|停掉|免)(?:再|要|给我|我|收到|每天|的|都|了|就)*(?:提醒|发|闹钟)|提醒(?:都|就)?(?:关掉?|取消|停掉?|不要)"
    r"|\b(?:no|don'?t|do not|stop|not|never|turn off|cancel|without)\b"
)
_ON = re.compile(
    r"(?:恢复|打开|开启|继续|重新|再|还是|要|需要|每天都?|周末也|天天).{0,6}提醒|提醒.{0,2}(?:打开|开启|恢复)|\b(?:resume|turn on|start|again|every ?day|daily)\b"
)
_DEFAULT = re.compile(r"默认|按社区|跟社区|\bdefault\b")
_DAILY = re.compile(r"每天|每日|天天|\bevery ?day\b|\bdaily\b")
_ONE_DAY = re.compile(
    r"今[天日晚早]|明[天日晚早]|后天|这次|一会儿?|等会儿?|\b(?:today|tonight|tomorrow|this time|later)\b"
)
_SOME_DAYS = re.compile(
    r"(?:每?周|星期|礼拜)[一二三四五六日天]|每[两三四五六七几\d]+(?:天|小时|个)|每月|每小时|每隔|\bon (?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bevery (?:\d+|two|three|other|hour)"
)
_MANY_TIMES = re.compile(r"(?:[两三四]|\d)次|\btwice\b")


def sets_reminders(message: Incoming, ctx: Context) -> bool:
    """ "每天8点提醒我", "周末不提醒", "改到20:30", "remind me at 8 am"; not a report that mentions one."""
    if not ctx.text or len(ctx.text) > _LONGEST:
        return False
    said = plain(ctx.text)
    if _REPORT.search(said):
        return False
    return bool(_REMINDS.search(said)) or _only_moved(said)


def _only_moved(said: str) -> bool:
    found, times = _MOVED.match(said), read_times(said)
    rest = (found["rest"] or found["to"] or "").strip(" 。.!！吧") if found else ""
    return len(times) == 1 and rest == times[0].words


async def set_reminders(message: Incoming, ctx: Context) -> Reply:
    """Change what was said and read it back; show how it is where nothing was."""
    ctx.aside = open_question(ctx)
    said = plain(ctx.text)
    if ctx.resident is None or ctx.resident.declared_at is None:
        return ctx.ask("reminders.declare_first", ("申报", "welcome.declare"))
    settings = await read_settings(ctx)
    times = read_times(said)
    if _SHOWS.search(said) and not times:
        return Reply.of(_shown(ctx, settings))
    refused = _refused(ctx, said, times)
    if refused is not None:
        return refused
    changed = _changed(said, times, settings)
    if changed is None:
        return Reply.of(_shown(ctx, settings))
    ctx.work.update(
        "residents",
        {"resident_id": ctx.resident.resident_id},
        reminder_minute=changed.minute,
        reminder_days=changed.days,
    )
    return Reply.of(_read_back(ctx, changed, times))


def _refused(ctx: Context, said: str, times: tuple[Time, ...]) -> Reply | None:
    """What can't be done, with what can; nothing is saved."""
    if ctx.understood.members:
        return ctx.reply("reminders.only_oneself")
    if any(time.minute is None for time in times):
        wrong = next(time.words for time in times if time.minute is None)
        return ctx.reply("reminders.no_such_time", said=wrong)
    if len(times) > 1 or _MANY_TIMES.search(said):
        return ctx.reply("reminders.one_hour")
    workdays = _WORKDAYS.search(said) or _WEEKEND.search(said)
    if _SOME_DAYS.search(_WEEKEND.sub("", _WORKDAYS.sub("", said))):
        return ctx.reply("reminders.some_days")
    if _ONE_DAY.search(said) and not _DAILY.search(said) and not workdays:
        return ctx.reply("reminders.one_day")
    if _WEEKEND.search(said) and re.search(r"只|仅|\bonly\b", said) and not _negative(said):
        return ctx.reply("reminders.some_days")
    return None


def _negative(said: str) -> bool:
    return _NOT.search(said) is not None


def _changed(said: str, times: tuple[Time, ...], settings: Settings) -> Settings | None:
    """The settings as they are wanted; None where nothing was said that changes them."""
    weekend, workdays = _WEEKEND.search(said) is not None, _WORKDAYS.search(said) is not None
    days = settings.days
    if weekend:
        days = WORKDAYS if _negative(said) else ALL
    elif workdays:
        days = NONE if _negative(said) and not times else WORKDAYS
    elif _negative(said) and not times:
        days = NONE
    elif _DAILY.search(said) or days == NONE or (not times and _ON.search(said)):
        days = ALL
    minute = times[0].minute if times else settings.minute
    if _DEFAULT.search(said) and not times:
        minute = None
    asked = times or weekend or workdays or _negative(said) or _ON.search(said) or _DEFAULT.search(said)
    wants = asked or re.search(r"提醒我|\bremind me\b", said)
    return replace(settings, minute=minute, days=days) if wants else None


# -- what is told --------------------------------------------------------------------------------------------


def _read_back(ctx: Context, settings: Settings, times: tuple[Time, ...]) -> str:
    if settings.days == NONE:
        return ctx.say("reminders.stopped")
    minute, _ = reminder_hours(ctx, settings)
    lines = [
        ctx.say("reminders.kept", at=clock_words(minute), days=settings.days, zone=_zone(ctx)),
        _night_words(ctx, settings, minute),
    ]
    if times and minute <= minute_of_day(ctx.now, known_zone(ctx.zone)):
        lines.append(ctx.say("reminders.from_next_day"))
    if times and times[0].either:
        evening = (minute + 12 * 60) % (24 * 60)
        lines.append(ctx.say("reminders.evening", at=clock_words(evening)))
    return "\n".join(line for line in lines if line)


def _shown(ctx: Context, settings: Settings) -> str:
    """The hour and whose choice it is, days, quiet hours, and the zone with what its clocks show now."""
    minute, second = reminder_hours(ctx, settings)
    if settings.days == NONE:
        first = ctx.say("reminders.is_off")
    else:
        first = ctx.say(
            "reminders.is_on", at=clock_words(minute), days=settings.days, own=settings.minute is not None
        )
    lines = [first]
    if settings.days != NONE:
        if second is not None:
            lines.append(ctx.say("reminders.second", at=clock_words(second)))
        lines.append(_night_words(ctx, settings, minute))
    first_quiet, last_quiet = (clock_words(each) for each in settings.quiet)
    quiet = "" if first_quiet == last_quiet else f"{first_quiet}–{last_quiet}"
    now = clock_words(minute_of_day(ctx.now, known_zone(ctx.zone)))
    lines.append(ctx.say("reminders.hours_and_zone", quiet=quiet, zone=_zone(ctx), now=now))
    lines.append(ctx.say("reminders.how"))
    return "\n".join(line for line in lines if line)


def _night_words(ctx: Context, settings: Settings, minute: int) -> str:
    if not settings.quiet_at(minute):
        return ""
    # the community's hour waits for the end of the quiet hours, the person's own doesn't
    return ctx.say("reminders.own_hour_wins" if settings.minute is not None else "reminders.after_quiet")


def _zone(ctx: Context) -> str:
    return zone_words(ctx.zone, ctx.language)
