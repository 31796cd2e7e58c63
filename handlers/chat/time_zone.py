"""The time zone that one lives in: what it is, and a new one from today on."""

from __future__ import annotations

import re

from bot.clock import zone
from bot.conversation.context import Context
from bot.conversation.forms import numbered, open_question
from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.zones import ZoneSaid, read_zone, zone_words
from bot.message import Incoming, Reply
from bot.notices.quiet_hours import known_zone
from bot.services.rescore import rescore
from handlers.chat.codes import change_words

CAUSE = "zone_changed"
_LONGEST = 60
_ZONE = re.compile(
    r"^(?:请|帮我|把|设置?|修改|更改|切换|改|换|我的?|我在的?|当地|所在|的)*时区(?:设置?成?|改成?|调成?|换成?|切换到|为|是|到|成|在|[:=,，])*\s*(?P<rest>.*)$"
    r"|^(?:please |set |change |my |the )*time ?zone(?: is| to| =|:)*\s*(?P<english>.*)$"
    r"|^(?:请|帮我|我)*(?:按照?|改成?|换成?|改用|用)(?P<short>.{2,12}?)时间(?:提醒我?)?$|^(?P<alone>新疆|乌鲁木齐|北京)时间$"
)
_TRIM = " 。.!！?？吧呢的"


def sets_zone(message: Incoming, ctx: Context) -> bool:
    """ "我的时区 新疆", "我的时区", "按新疆时间", "my time zone Asia/Urumqi"."""
    if not ctx.text or len(ctx.text) > _LONGEST:
        return False
    found = _ZONE.match(plain(ctx.text))
    # "我用了很长时间" names no zone, and nobody would know why they are asked about one
    return found is not None and (not found["short"] or bool(_read(ctx, found["short"]).name))


async def set_zone(message: Incoming, ctx: Context) -> Reply:
    """Keep the zone and read it back with what its clocks show; a name that isn't one changes nothing."""
    ctx.aside = open_question(ctx)
    resident = ctx.resident
    if resident is None or resident.declared_at is None:
        return ctx.ask("reminders.zone_declare_first", ("申报", "welcome.declare"))
    found = _ZONE.match(plain(ctx.text))
    rest = next((each for each in found.groups() if each), "").strip(_TRIM) if found else ""
    if not rest or rest in ("是什么", "是哪个", "几点", "什么"):
        return ctx.reply("reminders.zone_is", **_clock(ctx, resident.zone))
    said = _read(ctx, rest)
    if not said.name:
        return _ask_which(ctx, rest, said.nearest)
    if said.name == resident.zone:
        return ctx.reply("reminders.zone_already", **_clock(ctx, said.name))
    _ = resident.facts  # everything that a colour is made from, before anything is changed
    # days that are written stay the days that they were; only what comes is read off the new clock
    resident.zone = said.name
    ctx.work.touch(resident.resident_id, resident.input_version)
    ctx.work.update("residents", {"resident_id": resident.resident_id}, zone=said.name)
    changes = rescore(ctx.world, ctx.work, resident, cause=CAUSE)
    lines = [ctx.say("reminders.zone_kept", **_clock(ctx, said.name))]
    return Reply.of("\n".join([*lines, *(change_words(ctx, change) for change in changes)]))


def _read(ctx: Context, words: str) -> ZoneSaid:
    # "新疆时间" is 新疆's
    named = words.removesuffix("时间")
    return read_zone(named, tuple(ctx.places.find(named, ctx.today).codes))


def _ask_which(ctx: Context, said: str, nearest: tuple[str, ...]) -> Reply:
    if not nearest:
        return ctx.reply("reminders.zone_unknown", said=said)
    options = [(f"我的时区 {name}", zone_words(name, ctx.language)) for name in nearest]
    return numbered(ctx, "reminders.zone_nearest", options, said=said)


def _clock(ctx: Context, name: str) -> dict[str, str]:
    known = known_zone(name)
    local = ctx.now.astimezone(zone(known))
    return {"zone": zone_words(known, ctx.language), "now": f"{local:%H:%M}"}
