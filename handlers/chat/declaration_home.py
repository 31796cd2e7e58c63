"""The questions of a declaration about where somebody lives."""

from __future__ import annotations

import re

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Partly, Read, Step, Taken, Wrong, drafted, numbered
from bot.conversation.understanding.understood import Intent
from bot.message import Kind, Reply
from bot.services.declaration_rules import LONGEST_ADDRESS, SHORTEST_ADDRESS, address_problem
from handlers.chat.place_answers import (
    COUNTY,
    asked_from,
    full_name,
    named_places,
    place_options,
    read_place,
    settle,
)

_SHOWN = 40
_STREET = re.compile(
    r"号楼|[0-9一二三四五六七八九十]+[号栋幢座室]|小区|社区|街道|[路街巷村里弄](?![区县市])|花园|公寓|\b(?:road|street|avenue|building|room)\b",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[,，;；。\n]+")
_INTRODUCTION = re.compile(r"^\s*(?:我|现在|目前|家)*(?:的?(?:住址|地址|家)(?:是|在)?|住在?|在)\s*[:：]?\s*")


def _ask_division(ctx: Context, answers: Answers) -> Reply:
    asked = asked_from(drafted(answers, "division"))
    options = place_options(ctx, asked)
    if asked.among:
        return numbered(ctx, "declare.ask_which_place", options)
    if asked.within:
        place = full_name(ctx, asked.within)
        if options:
            return numbered(ctx, "declare.ask_district", options, place=place)
        return ctx.reply("declare.ask_district", place=place)
    return ctx.reply("declare.ask_division")


def _read_division(ctx: Context, answers: Answers) -> Read:
    found = read_place(ctx, asked_from(drafted(answers, "division")), digits=COUNTY)
    if isinstance(found, str):
        return Taken({"division": found, **_spot_address(ctx, answers)})
    if found is not None:
        return Partly(found.plain())
    if ctx.message.kind == Kind.LOCATION:
        return Wrong("declare.place_unknown")
    meant = ctx.text and ctx.choice is None and ctx.understood.intent == Intent.UNKNOWN
    return Wrong("declare.place_unknown") if meant else None


def _spot_division(ctx: Context, answers: Answers) -> Answers:
    """A county that is named for certain as the place where somebody lives."""
    for part in _PARTS.split(ctx.text):
        if not re.search(r"住|家在|家是|地址|小区|社区", part):
            continue
        sure, candidates = named_places(ctx, part)
        if len(sure) == 1 and not candidates:
            settled = settle(ctx, sure, digits=COUNTY)
            return {"division": settled} if isinstance(settled, str) else {}
    return {}


def _show_division(ctx: Context, answers: Answers) -> str:
    return ctx.say("declare.line_division", place=full_name(ctx, answers["division"]))


def _ask_address(ctx: Context, answers: Answers) -> Reply:
    return ctx.reply("declare.ask_address", place=full_name(ctx, answers["division"]))


def _read_address(ctx: Context, answers: Answers) -> Read:
    text = " ".join(ctx.text.split())
    if not text or ctx.understood.intent in (Intent.YES, Intent.NO, Intent.PUNCH_IN):
        return None
    street = _INTRODUCTION.sub("", text)
    problem = address_problem(street, full_name(ctx, answers["division"]))
    return Taken({"address": street}) if problem is None else Wrong(f"declare.{problem}")


def _spot_address(ctx: Context, answers: Answers) -> Answers:
    """A street that stands beside the place in the same part of the message."""
    if ctx.choice is not None or "address" in answers:
        return {}
    for part in _PARTS.split(ctx.text):
        street = _INTRODUCTION.sub("", part).strip()
        sure, _ = named_places(ctx, part)
        if sure and _STREET.search(street) and SHORTEST_ADDRESS <= len(street) <= LONGEST_ADDRESS:
            return {"address": street}
    return {}


def _show_address(ctx: Context, answers: Answers) -> str:
    return ctx.say("declare.line_address", address=clipped(answers["address"]))


def clipped(text: str) -> str:
    """The beginning of a long text: a review has to fit into one message."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


STEPS = (
    Step(
        "division",
        _ask_division,
        _read_division,
        ("division",),
        show=_show_division,
        spot=_spot_division,
        why="declare.why_division",
        resets=("address", "stays", "schemes"),
        names=("地区", "区县", "城市", "住址", "居住地", "搬家", "district", "city", "home"),
    ),
    Step(
        "address",
        _ask_address,
        _read_address,
        ("address",),
        show=_show_address,
        spot=_spot_address,
        why="declare.why_address",
        free=True,
        names=("地址", "街道", "门牌", "小区", "社区", "address", "street"),
    ),
)
