"""The question of a declaration about journeys: which vehicle, when, from where to where, which number."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Partly, Read, Step, Taken, Wrong, drafted, numbered
from bot.conversation.understanding.understood import Intent
from bot.conversation.words import day_words
from bot.message import Reply
from bot.services.declaration_rules import (
    FLIGHT_NUMBER,
    MOST_JOURNEYS,
    NUMBERED,
    TRAIN_NUMBER,
    journey_problem,
    leads_nowhere,
    plain_number,
)
from bot.services.declared_facts import window
from handlers.chat.declaration_stays import listed, nothing_more
from handlers.chat.place_answers import (
    CITY,
    PlaceAsked,
    asked_from,
    named_places,
    place_options,
    read_place,
    settle,
    short_name,
)

_MODES = (
    ("flight", re.compile(r"飞机|航班|坐飞|机场|flight|plane|\bfly|\bflew", re.IGNORECASE)),
    ("train", re.compile(r"高铁|动车|火车|列车|城际|train|railway", re.IGNORECASE)),
    ("coach", re.compile(r"大巴|长途|客车|班车|coach|\bbus\b", re.IGNORECASE)),
    ("ship", re.compile(r"轮船|坐船|渡轮|客轮|\bship\b|ferry", re.IGNORECASE)),
    (
        "car",
        re.compile(r"自驾|开车|汽车|轿车|打车|出租|顺风车|网约车|\bcar\b|taxi|drove|driv", re.IGNORECASE),
    ),
)
_FROM = re.compile(r"从|由|离开|\bfrom\b", re.IGNORECASE)
_TO = re.compile(r"到|去|往|抵|飞|回|\bto\b", re.IGNORECASE)
_FORGOTTEN = re.compile(
    r"忘|不记得|记不|不清楚|不知道|没有?票|forg|don't (?:know|remember)|not sure|unknown", re.IGNORECASE
)
_LEADS = re.compile(r"飞往|开往|前往|抵达|到达|到|去|往|至|回|→|->|—|\bto\b", re.IGNORECASE)
_ENDS = ("from", "to")


def _ask(ctx: Context, answers: Answers) -> Reply:
    draft = drafted(answers, "journeys")
    entry: Answers = draft.get("entry", {})
    if entry:
        return _ask_missing(ctx, entry)
    modes = [(f"mode:{mode}", ctx.say(f"declare.mode_{mode}")) for mode, _ in _MODES]
    if draft.get("entries"):
        options = [("none", ctx.say("declare.no_more")), *modes]
        return numbered(ctx, "declare.ask_more_journeys", options, journeys=_lines(ctx, draft["entries"]))
    options = [("none", ctx.say("declare.no_journey")), *modes]
    first, last = window(ctx.today)
    return numbered(
        ctx, "declare.ask_journeys", options, first=day_words(ctx, first), last=day_words(ctx, last)
    )


def _ask_missing(ctx: Context, entry: Answers) -> Reply:
    for end in _ENDS:
        asked = asked_from(entry.get(f"asked_{end}", {}))
        if asked.among or asked.within:
            options = place_options(ctx, asked)
            key = "declare.ask_which_place" if asked.among else "declare.ask_city"
            return numbered(ctx, key, options) if options else ctx.reply("declare.ask_city")
    if "mode" not in entry:
        return numbered(
            ctx, "declare.ask_mode", [(f"mode:{mode}", ctx.say(f"declare.mode_{mode}")) for mode, _ in _MODES]
        )
    missing = next(part for part in ("day", "from", "to", "number") if part not in entry)
    if missing == "number":
        return ctx.ask(f"declare.ask_number_{entry['mode']}", ("forgotten", "declare.forgotten"))
    return ctx.reply(f"declare.ask_journey_{missing}", mode=ctx.say(f"declare.mode_{entry['mode']}"))


def _read(ctx: Context, answers: Answers) -> Read:
    draft = drafted(answers, "journeys")
    entries: list[Answers] = list(draft.get("entries", []))
    entry: Answers = dict(draft.get("entry", {}))
    if not entry and nothing_more(ctx):
        return Taken({"journeys": entries})
    before = dict(entry)
    wrong = _fill(ctx, entry)
    if wrong is not None:
        return wrong
    if entry == before:
        return _not_read(ctx, entry)
    if not _is_whole(entry):
        return Partly({"entries": entries, "entry": entry})
    if len(entries) >= MOST_JOURNEYS:
        return Wrong("declare.too_many", (("count", MOST_JOURNEYS),))
    return Partly(
        {"entries": [*entries, {key: entry.get(key, "") for key in ("mode", "day", "from", "to", "number")}]}
    )


def _fill(ctx: Context, entry: Answers) -> Wrong | None:
    """Everything that the message says about one journey."""
    if ctx.choice is not None and ctx.choice.startswith("mode:"):
        entry["mode"] = ctx.choice.removeprefix("mode:")
        return None
    if ctx.choice is None:
        _fill_mode(ctx, entry)
        if ctx.understood.dates:
            day = ctx.understood.dates[0]
            problem = journey_problem(day, ctx.today)
            if problem is not None:
                name, said = ("day", day) if problem == "day_to_come" else ("first", window(ctx.today)[0])
                return Wrong(f"declare.{problem}", ((name, day_words(ctx, said)),))
            entry["day"] = day.isoformat()
        elif ctx.understood.lunar_date:
            return Wrong("declare.lunar_date")
    _fill_number(ctx, entry)
    _fill_ends(ctx, entry)
    if "from" in entry and leads_nowhere(entry.get("mode", ""), entry["from"], entry.get("to", "")):
        entry.pop("to")
        return Wrong("declare.same_place", (("place", short_name(ctx, entry["from"])),))
    return None


def _fill_mode(ctx: Context, entry: Answers) -> None:
    found = next((mode for mode, words in _MODES if words.search(ctx.text)), None)
    if found is None and "mode" not in entry:
        text = unicodedata.normalize("NFKC", ctx.text)
        found = "train" if TRAIN_NUMBER.search(text) else "flight" if FLIGHT_NUMBER.search(text) else None
    if found is not None:
        entry["mode"] = found


def _fill_number(ctx: Context, entry: Answers) -> None:
    mode = entry.get("mode")
    if mode not in NUMBERED or "number" in entry:
        return
    text = unicodedata.normalize("NFKC", ctx.text)
    found = (TRAIN_NUMBER if mode == "train" else FLIGHT_NUMBER).search(text) if ctx.choice is None else None
    asked_now = all(part in entry for part in ("mode", "day", "from", "to"))
    if found is not None:
        entry["number"] = plain_number(found.group(0))
    elif asked_now and (
        ctx.choice == "forgotten" or _FORGOTTEN.search(text) or ctx.understood.intent == Intent.NO
    ):
        entry["number"] = ""


def _fill_ends(ctx: Context, entry: Answers) -> None:
    """The end that was asked about, else what is named before and after "to", else what the one place is for."""
    asked_end = next((end for end in _ENDS if f"asked_{end}" in entry), None)
    if asked_end is not None:
        found = read_place(ctx, asked_from(entry[f"asked_{asked_end}"]), digits=CITY)
        if found is not None:
            _settle_end(entry, asked_end, found)
        return
    if ctx.choice is not None:
        return
    before, to, after = _halves(ctx.text)
    parts = (before, after) if to and _place_in(ctx, before) and _place_in(ctx, after) else ()
    for end, part in zip(_ENDS, parts, strict=False):
        _settle_end(entry, end, _place_in(ctx, part) or PlaceAsked())
    if parts:
        return
    found = _place_in(ctx, ctx.text)
    end = _ENDS[1] if "from" in entry or (_TO.search(ctx.text) and not _FROM.search(ctx.text)) else _ENDS[0]
    if found is not None and end not in entry:
        _settle_end(entry, end, found)


def _halves(text: str) -> tuple[str, str, str]:
    """The text before and after the word that leads to the destination; dates have such a word, too."""
    for found in reversed(list(_LEADS.finditer(text))):
        return text[: found.start()], found.group(0), text[found.end() :]
    return text, "", ""


def _place_in(ctx: Context, text: str) -> str | PlaceAsked | None:
    """The one place that a part of the message names, or what it may mean."""
    sure, candidates = named_places(ctx, text)
    found = (*sure, *(code for codes in candidates for code in codes))
    return settle(ctx, found, digits=CITY) if len(sure) + len(candidates) == 1 else None


def _settle_end(entry: Answers, end: str, found: str | PlaceAsked) -> None:
    if isinstance(found, PlaceAsked):
        entry[f"asked_{end}"] = found.plain()
    else:
        entry.pop(f"asked_{end}", None)
        entry[end] = found


def _is_whole(entry: Answers) -> bool:
    if any(f"asked_{end}" in entry for end in _ENDS):
        return False
    parts = ("mode", "day", "from", "to")
    return all(part in entry for part in parts) and (entry["mode"] not in NUMBERED or "number" in entry)


def _not_read(ctx: Context, entry: Answers) -> Read:
    if nothing_more(ctx):
        return Wrong("declare.finish_entry")
    if ctx.choice is not None or not ctx.text or ctx.understood.intent not in (Intent.UNKNOWN, Intent.YES):
        return None
    if not entry:
        return Wrong("declare.journey_unclear")
    if _is_missing_number(entry):
        return Wrong(f"declare.number_unclear_{entry['mode']}")
    return Wrong(
        "declare.days_unclear" if "mode" in entry and "day" not in entry else "declare.place_unknown"
    )


def _is_missing_number(entry: Answers) -> bool:
    return entry.get("mode") in NUMBERED and all(part in entry for part in ("day", "from", "to"))


def _lines(ctx: Context, entries: list[Answers]) -> str:
    return listed(ctx, [_line(ctx, each) for each in entries])


def _line(ctx: Context, entry: dict[str, Any]) -> str:
    return ctx.say(
        "declare.journey",
        day=day_words(ctx, date.fromisoformat(entry["day"])),
        mode=ctx.say(f"declare.mode_{entry['mode']}"),
        number=entry["number"],
        origin=short_name(ctx, entry["from"]),
        destination=short_name(ctx, entry["to"]),
    )


def _show(ctx: Context, answers: Answers) -> str:
    journeys = answers["journeys"]
    return ctx.say("declare.line_journeys", journeys=_lines(ctx, journeys) if journeys else "")


STEP = Step(
    "journeys",
    _ask,
    _read,
    ("journeys",),
    show=_show,
    why="declare.why_journeys",
    names=(
        "行程",
        "出行",
        "航班",
        "车次",
        "火车",
        "飞机",
        "journey",
        "journeys",
        "travel",
        "trip",
        "flight",
        "train",
    ),
)
