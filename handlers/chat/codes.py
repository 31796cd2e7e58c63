"""My codes: what colour each has, since when, until when it is covered; which one a place wants; adding and removing."""

from __future__ import annotations

import re
from datetime import datetime

from bot.conversation.context import Context
from bot.conversation.forms import numbered, open_question
from bot.conversation.words import (
    colour_words,
    in_language,
    missing_words,
    moment_words,
    place_words,
    scheme_words,
)
from bot.core.model import Identity, State
from bot.message import Card, Incoming, Reply
from bot.services.codes import covered_until, hold, missing_of, release, review_due
from bot.services.rescore import Change, rescore
from bot.services.schemes import Scheme
from bot.store.snapshot import Code, Resident

_OFFERED = 8
_LONGEST = 40
_ASKS_ITSELF = "declare"  # the declaration has a question about codes
_ADD = re.compile(r"^\s*(?:(?:我)?(?:[要想再])*(?:加码|添加|增加|加)|(?:please )?add\b)", re.IGNORECASE)
_REMOVE = re.compile(r"^\s*(?:不用|不要|删除|删掉|移除|去掉|取消|remove|drop|delete)", re.IGNORECASE)
_ADD_ANY = re.compile(
    r"^\s*(?:加码|添加|(?:添加|增加|加)(?:一个)?(?:健康)?码|add(?: an?)?(?: health)? code)\s*[。.!！]?\s*$",
    re.IGNORECASE,
)
_PURPOSES = (
    ("return_to_work", re.compile(r"上班|复工|返工|工作|返岗|\bwork", re.IGNORECASE)),
    ("entry", re.compile(r"小区|进门|回家|住|社区|compound|\bhome", re.IGNORECASE)),
    (
        "travel",
        re.compile(r"出行|坐车|地铁|公交|高铁|火车|飞机|旅游|出差|travel|train|metro|\bbus", re.IGNORECASE),
    ),
)


# -- my codes ------------------------------------------------------------------------------------------------


async def show_codes(message: Incoming, ctx: Context) -> Reply:
    """Every code with colour, since, next review, covered until; without any, how to get one."""
    resident = ctx.resident
    if resident is None or resident.declared_at is None:
        return ctx.ask("codes.none_yet", ("申报", "codes.offer_declare"))
    if not resident.codes:
        return _offer_schemes(ctx, resident, "codes.none_held")
    review_due(ctx.world, ctx.work, resident)
    cards = [_card(ctx, resident, code) for code in resident.codes.values()]
    reply = Reply((*cards,)).then(ctx.say("codes.how_on"))
    if resident.identity != Identity.VERIFIED:
        return reply.then(ctx.say("codes.not_verified"))
    return reply


def _card(ctx: Context, resident: Resident, code: Code) -> Card:
    title = ctx.say(
        "codes.title",
        scheme=scheme_words(ctx, code.scheme),
        colour=colour_words(ctx, code.colour, code.state),
    )
    lines = [ctx.say("codes.since", at=moment_words(ctx, code.since))]
    lines += [f"· {missing_words(ctx, each)}" for each in missing_of(code)]
    if code.state == State.EXPIRED:
        lines.append(ctx.say("codes.expired_how"))
    lines.append(_review(ctx, code))
    until = covered_until(ctx.world, resident, code, ctx.now)
    lines.append(_covered(ctx, code, until))
    return Card(title, tuple(line for line in lines if line))


def _review(ctx: Context, code: Code) -> str:
    if code.next_change_at is not None and code.next_change_at > ctx.now:
        return ctx.say("codes.next_review", at=moment_words(ctx, code.next_change_at))
    scheme = ctx.world.schemes.get(code.scheme)
    return (
        ""
        if scheme is None or scheme.local
        else ctx.say("codes.decided_elsewhere", issuer=_issuer(ctx, scheme))
    )


def _covered(ctx: Context, code: Code, until: datetime | None) -> str:
    if until is None:
        return ctx.say("codes.not_covered")
    return ctx.say(
        "codes.covered" if until > ctx.now else "codes.covered_no_more", at=moment_words(ctx, until)
    )


def _issuer(ctx: Context, scheme: Scheme) -> str:
    return in_language(ctx, scheme.issuer)


# -- adding and removing -------------------------------------------------------------------------------------


def named_scheme(ctx: Context, text: str) -> Scheme | None:
    """The scheme that a text names: the longest of its names that is found in it."""
    folded = text.casefold()
    best: tuple[int, Scheme] | None = None
    for scheme in ctx.world.schemes:
        for word in (*scheme.name.values(), *(word for words in scheme.aliases.values() for word in words)):
            if word.casefold() in folded and (best is None or len(word) > best[0]):
                best = (len(word), scheme)
    return None if best is None else best[1]


def adds_code(message: Incoming, ctx: Context) -> bool:
    """ "加码", "添加 粤康码": asks for one more code."""
    text = ctx.text
    if not text or len(text) > _LONGEST or ctx.talk.form == _ASKS_ITSELF or not _ADD.match(text):
        return False
    return bool(_ADD_ANY.match(text)) or named_scheme(ctx, text) is not None


def removes_code(message: Incoming, ctx: Context) -> bool:
    """ "不用 粤康码": wants one code less."""
    text = ctx.text
    return (
        bool(text) and len(text) <= 40 and bool(_REMOVE.match(text)) and named_scheme(ctx, text) is not None
    )


async def add_code(message: Incoming, ctx: Context) -> Reply:
    """Add the code that is named, or offer those that are not held yet."""
    ctx.aside = open_question(ctx)
    resident = ctx.resident
    if resident is None or resident.declared_at is None:
        return ctx.ask("codes.declare_before_adding", ("申报", "codes.offer_declare"))
    scheme = named_scheme(ctx, ctx.text)
    if scheme is None:
        return _offer_schemes(ctx, resident, "codes.which_to_add")
    if scheme.id in resident.codes:
        held = resident.codes[scheme.id]
        return ctx.reply(
            "codes.held_already",
            scheme=scheme_words(ctx, scheme.id),
            colour=colour_words(ctx, held.colour, held.state),
        )
    code = hold(ctx.world, ctx.work, resident, scheme.id)
    changes = rescore(ctx.world, ctx.work, resident, cause="code_added")
    reply = ctx.reply("codes.added", scheme=scheme_words(ctx, scheme.id)).then(_card(ctx, resident, code))
    others = [change_words(ctx, change) for change in changes if change.scheme != scheme.id]
    return reply.then("\n".join(others)) if others else reply


def change_words(ctx: Context, change: Change) -> str:
    """A code that changed its colour, from which to which."""
    return ctx.say(
        "punch_in.changed",
        scheme=scheme_words(ctx, change.scheme),
        old=colour_words(ctx, change.old_colour, change.old_state or "") if change.old_colour else "",
        new=colour_words(ctx, change.new_colour, change.new_state),
    )


async def remove_code(message: Incoming, ctx: Context) -> Reply:
    """Let go of the code that is named."""
    ctx.aside = open_question(ctx)
    scheme = named_scheme(ctx, ctx.text)
    name = scheme_words(ctx, scheme.id) if scheme else ""
    if scheme is None or ctx.resident is None or not release(ctx.work, ctx.resident, scheme.id):
        return ctx.reply("codes.not_held", scheme=name)
    return ctx.reply("codes.removed", scheme=name)


def _offer_schemes(ctx: Context, resident: Resident, key: str) -> Reply:
    """The question with schemes that aren't held yet as choices: those of one's place before all others."""
    lacking = [scheme for scheme in ctx.world.schemes if scheme.id not in resident.codes]
    lacking.sort(key=lambda scheme: not (resident.division or "").startswith(scheme.place))
    options = [(f"添加 {scheme.name['zh']}", scheme_words(ctx, scheme.id)) for scheme in lacking]
    return numbered(ctx, key, options[:_OFFERED]) if options else ctx.reply("codes.all_held")


# -- which code do I need ------------------------------------------------------------------------------------


async def tell_which_code(message: Incoming, ctx: Context) -> Reply:
    """Which codes count at the place that was named, for the purpose that was named, and whether one holds them."""
    said = ctx.understood
    if not said.places:
        names = "、".join(said.candidates)
        return ctx.reply("codes.which_place_again", name=names) if names else ctx.reply("codes.which_place")
    purpose = next((name for name, words in _PURPOSES if words.search(ctx.text)), "")
    parts = [_for_place(ctx, place, purpose) for place in said.places[-2:]]
    return Reply.of(*parts, ctx.say("codes.which_caution"))


def _for_place(ctx: Context, place: str, purpose: str) -> str:
    schemes = _own_first(ctx.world.schemes.for_place(place), purpose)
    name = place_words(ctx, place)
    if not schemes:
        return ctx.say("codes.which_none", place=name)
    lines = [_holding(ctx, scheme) for scheme in schemes]
    return ctx.say(
        "codes.which", place=name, purpose=ctx.say(f"codes.for_{purpose}") if purpose else "", lines=lines
    )


def _own_first(schemes: tuple[Scheme, ...], purpose: str) -> list[Scheme]:
    """Those for the purpose, the most local first; nationwide ones last."""
    fitting = [scheme for scheme in schemes if not purpose or purpose in scheme.purposes]
    return sorted(fitting, key=lambda scheme: -len(scheme.place))


def _holding(ctx: Context, scheme: Scheme) -> str:
    code = ctx.resident.codes.get(scheme.id) if ctx.resident else None
    name = scheme_words(ctx, scheme.id)
    if code is None:
        return ctx.say("codes.which_lacking", scheme=name)
    return ctx.say("codes.which_held", scheme=name, colour=colour_words(ctx, code.colour, code.state))
