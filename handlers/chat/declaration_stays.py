"""The question of a declaration about the last fourteen days: where else somebody was, stay by stay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Partly, Read, Step, Taken, Wrong, drafted, numbered
from bot.conversation.understanding.divisions import unpadded
from bot.conversation.understanding.understand import understand
from bot.conversation.understanding.understood import Intent
from bot.conversation.words import day_words
from bot.message import Reply
from bot.services.declaration_rules import EARLIEST_STAY, MOST_STAYS, stay_problem
from bot.services.declared_facts import window
from handlers.chat.place_answers import CITY, PlaceAsked, asked_from, place_options, read_place, short_name

_SHOWN = 3
NOTHING_MORE = re.compile(
    r"^\s*(?:都|就|也|再|全|其他|别的)*(?:没有?了?|没有?(?:别的|其他的?|其它的?|去过|出过(?:门|城|远门)?|离开过|坐过|乘过|出行)了?|完了?|填完了|就这些|没去过?|没出过?(?:门|城)?|没离开过?"
    r"|(?:14天|十四天|这段时间|最近|一直|都)*(?:在家|在住处|在本地|住在?这里|在这里?|待在家里?)|no more|that's all|done|none|nothing(?: else)?|nowhere(?: else)?)"
    r"\s*[。.!！]?\s*$",
    re.IGNORECASE,
)
_WENT = re.compile(r"^\s*(?:我)?(?:有|去过|出去过|离开过|去了|有去过)(?:别处|别的地方|外地)?[。.!！]?\s*$")
_PARTS = re.compile(r"[,，;；。\n]+")
_RIDE = re.compile(r"坐|乘|飞|航班|高铁|动车|火车|大巴|自驾|开车|train|flight|flew|drove|bus", re.IGNORECASE)
_SINCE = re.compile(r"起|开始|以来|至今|到现在|到今天|一直到|since|until now|so far", re.IGNORECASE)
_UNTIL = re.compile(r"之前|以前|为止|才(?:回|离)|回来|离开|until|till|left", re.IGNORECASE)


def nothing_more(ctx: Context) -> bool:
    """Whether the message says that there is nothing (else) to tell."""
    if ctx.choice is not None:
        return ctx.choice == "none"
    return ctx.understood.intent == Intent.NO or NOTHING_MORE.match(ctx.text) is not None


def _ask(ctx: Context, answers: Answers) -> Reply:
    draft = drafted(answers, "stays")
    entry: dict[str, Any] = draft.get("entry", {})
    asked = asked_from(entry.get("asked", {}))
    if asked.among or asked.within:
        options = place_options(ctx, asked)
        key = "declare.ask_which_place" if asked.among else "declare.ask_city"
        return numbered(ctx, key, options) if options else ctx.reply("declare.ask_city")
    if "place" in entry:
        return ctx.reply("declare.ask_stay_days", place=short_name(ctx, entry["place"]))
    if "from" in entry:
        return ctx.reply("declare.ask_stay_place", days=_days(ctx, entry))
    if draft.get("entries"):
        return ctx.ask(
            "declare.ask_more_stays", ("none", "declare.no_more"), stays=_lines(ctx, draft["entries"])
        )
    if draft.get("some"):
        return ctx.reply("declare.ask_stay")
    first, last = window(ctx.today)
    return ctx.ask(
        "declare.ask_stays",
        ("none", "declare.stayed_home"),
        ("some", "declare.was_elsewhere"),
        first=day_words(ctx, first),
        last=day_words(ctx, last),
        place=short_name(ctx, answers["division"]),
    )


def _read(ctx: Context, answers: Answers) -> Read:
    draft = drafted(answers, "stays")
    entries: list[Answers] = list(draft.get("entries", []))
    entry: Answers = dict(draft.get("entry", {}))
    if not entry and nothing_more(ctx):
        return Taken({"stays": entries})
    if ctx.choice == "some" or (not entry and ctx.choice is None and _is_yes(ctx)):
        return Partly({**draft, "some": True})
    several = _several(ctx) if not entry else []
    if several:
        wrong = next((found for found in (_check(ctx, each) for each in several) if found), None)
        return wrong or _added(entries, several)
    return _read_one(ctx, draft, entries, entry)


def _is_yes(ctx: Context) -> bool:
    return ctx.understood.intent == Intent.YES or _WENT.match(ctx.text) is not None


def _read_one(ctx: Context, draft: Answers, entries: list[Answers], entry: Answers) -> Read:
    before = dict(entry)
    if "place" not in entry:
        found = read_place(ctx, asked_from(entry.get("asked", {})), digits=CITY)
        if isinstance(found, PlaceAsked):
            entry["asked"] = found.plain()
        elif found is not None:
            entry["place"] = found
            entry.pop("asked", None)
    days = _span(ctx.understood.dates, ctx.text, ctx.today) if ctx.choice is None else None
    if days is not None:
        entry["from"], entry["to"] = days[0].isoformat(), days[1].isoformat()
    elif ctx.understood.lunar_date:
        return Wrong("declare.lunar_date")
    wrong = _check(ctx, entry)
    if wrong is not None:
        return wrong
    if entry == before:
        return _not_read(ctx, entry)
    return (
        _added(entries, [entry])
        if "place" in entry and "from" in entry
        else Partly({**draft, "entry": entry})
    )


def _not_read(ctx: Context, entry: Answers) -> Read:
    if nothing_more(ctx):
        return Wrong("declare.finish_entry")
    if ctx.choice is not None or ctx.understood.intent != Intent.UNKNOWN or not ctx.text:
        return None
    return Wrong("declare.days_unclear" if "place" in entry else "declare.place_unknown")


def _added(entries: list[Answers], found: list[Answers]) -> Read:
    together = entries + [{key: each[key] for key in ("from", "to", "place")} for each in found]
    distinct = [each for number, each in enumerate(together) if each not in together[:number]]
    if len(distinct) > MOST_STAYS:
        return Wrong("declare.too_many", (("count", MOST_STAYS),))
    return Partly({"entries": distinct})


def _several(ctx: Context) -> list[Answers]:
    """One or more stays, each whole in its own part of the message; empty if any part isn't."""
    if ctx.choice is not None:
        return []
    found: list[Answers] = []
    for part in (each for each in _PARTS.split(ctx.text) if each.strip()):
        said = understand(part, today=ctx.today, places=ctx.places)
        if len(said.places) == 2 and _RIDE.search(part):
            continue  # how one got there is asked next
        days = _span(said.dates, part, ctx.today)
        if days is None or len(said.places) != 1 or said.candidates or len(unpadded(said.places[0])) < CITY:
            return []
        found.append(
            {"from": days[0].isoformat(), "to": days[1].isoformat(), "place": unpadded(said.places[0])}
        )
    return found


def _span(dates: tuple[date, ...], text: str, today: date) -> tuple[date, date] | None:
    """First and last day; a single one may be a beginning or an end."""
    if not dates:
        return None
    if len(dates) > 1:
        return min(dates), max(dates)
    (day,) = dates
    if _SINCE.search(text):
        return min(day, today), today
    if _UNTIL.search(text):
        return min(day, window(today)[0]), day
    return day, day


def _check(ctx: Context, entry: Mapping[str, Any]) -> Wrong | None:
    if "from" not in entry:
        return None
    first, last = date.fromisoformat(entry["from"]), date.fromisoformat(entry["to"])
    problem = stay_problem(first, last, ctx.today)
    if problem is None:
        return None
    name, day = {
        "day_to_come": ("day", last),
        "stay_long_ago": ("first", window(ctx.today)[0]),
        "stay_too_early": ("first", ctx.today - EARLIEST_STAY),
    }[problem]
    return Wrong(f"declare.{problem}", ((name, day_words(ctx, day)),))


def _days(ctx: Context, entry: Mapping[str, Any]) -> str:
    first, last = date.fromisoformat(entry["from"]), date.fromisoformat(entry["to"])
    if first == last:
        return day_words(ctx, first)
    return ctx.say("declare.days", first=day_words(ctx, first), last=day_words(ctx, last))


def listed(ctx: Context, lines: list[str]) -> str:
    """The lines as one, short enough for a message: the first three, and how many there are."""
    shown = ctx.say("declare.between").join(lines[:_SHOWN])
    return shown if len(lines) <= _SHOWN else ctx.say("declare.and_more", shown=shown, count=len(lines))


def _lines(ctx: Context, entries: list[Answers]) -> str:
    return listed(
        ctx,
        [
            ctx.say("declare.stay", place=short_name(ctx, each["place"]), days=_days(ctx, each))
            for each in entries
        ],
    )


def _show(ctx: Context, answers: Answers) -> str:
    stays = answers["stays"]
    return ctx.say("declare.line_stays", stays=_lines(ctx, stays) if stays else "")


STEP = Step(
    "stays",
    _ask,
    _read,
    ("stays",),
    show=_show,
    why="declare.why_stays",
    names=("停留", "居住史", "去过", "14天", "stay", "stays", "history"),
)
