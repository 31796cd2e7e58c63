"""Adding a member of the household: whom, with which document, where they live; read back before it is asked."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bot.conversation.context import Context
from bot.conversation.forms import (
    Answers,
    Form,
    Read,
    Step,
    Taken,
    Wrong,
    begin,
    drafted,
    numbered,
    open_question,
    review,
)
from bot.conversation.understanding.members import read_members
from bot.conversation.understanding.understood import Intent
from bot.message import Choice, Choices, Reply
from bot.services.certificates import check_certificate
from bot.services.guardians import members_of
from bot.services.households import LONGEST_LABEL, OPEN_FOR, TRIES_A_DAY, Asked, Wish, ask, may_guard
from bot.services.policy import Policy
from handlers.chat.declaration_home import STEPS as HOME
from handlers.chat.declaration_person import STEPS as PERSON

NAME = "household"
_TAKEN = "taken"  # the labels that the guardian uses already
_LABEL = re.compile(rf"[^\W\d_][^\W\d_ '·-]{{0,{LONGEST_LABEL - 1}}}")
_ONESELF = frozenset({"我", "自己", "本人", "我自己", "我本人", "me", "myself", "i"})
_EVERYBODY = frozenset(
    {"全家", "全家人", "一家人", "所有人", "大家", "家人", "everyone", "everybody", "family"}
)
_EDGES = " \t\r\n,，。.!！?？~～"
_OFFERED = ("妈妈", "爸爸", "孩子", "爷爷", "奶奶", "老伴")


# -- beginning -----------------------------------------------------------------------------------------------


async def begin_adding(ctx: Context, label: str = "") -> Reply:
    """Ask whom, unless it is under way or can't be; `label` was said already."""
    if ctx.talk.form == NAME:
        asked = open_question(ctx)
        return ctx.reply("household.under_way").then(*(asked.parts if asked else ()))
    resident = ctx.resident
    refusal = await may_guard(ctx.world, resident, ctx.now)
    if resident is None or resident.declared_at is None:
        return ctx.ask("household.declare_first", ("申报", "welcome.declare"))
    if refusal is not None:
        return outcome_reply(ctx, refusal, label)
    members = await members_of(ctx.database, ctx.world.keys, resident.resident_id)
    if len(members) >= _policy(ctx).members_per_guardian:
        return outcome_reply(ctx, Asked.FULL, label)
    taken = [each.label.casefold() for each in members]
    answers: Answers = {_TAKEN: taken}
    if label and _label_problem(label, taken) is None:
        answers["label"] = label
    return await begin(FORM, ctx, answers, opening=ctx.reply("household.opening"))


def _policy(ctx: Context) -> Policy:
    return ctx.world.policies.of(ctx.resident.division if ctx.resident else None)


# -- steps ---------------------------------------------------------------------------------------------------


def _ask_label(ctx: Context, answers: Answers) -> Reply:
    taken = answers.get(_TAKEN, [])
    offered = [(each, ctx.say(f"household.label_{number}")) for number, each in enumerate(_OFFERED, start=1)]
    return numbered(ctx, "household.ask_label", [each for each in offered if each[1].casefold() not in taken])


def _read_label(ctx: Context, answers: Answers) -> Read:
    said = _said_label(ctx)
    if not said:
        return None
    problem = _label_problem(said, answers.get(_TAKEN, []))
    return Taken({"label": said}) if problem is None else Wrong(problem, (("label", said[:LONGEST_LABEL]),))


def _said_label(ctx: Context) -> str:
    """The words themselves, of a picked one its label; 我妈 is 妈妈."""
    if ctx.choice in _OFFERED:
        return ctx.say(f"household.label_{_OFFERED.index(ctx.choice) + 1}")
    if ctx.understood.intent in (Intent.YES, Intent.NO):
        return ""
    said = " ".join(ctx.text.strip(_EDGES).split())
    known = read_members(said)
    return known[0] if len(known) == 1 and len(said) <= len(known[0]) + 2 else said


def _label_problem(label: str, taken: list[str]) -> str | None:
    if label.casefold() in _ONESELF:
        return "household.oneself"
    if label.casefold() in _EVERYBODY:
        return "household.one_at_a_time"
    if _LABEL.fullmatch(label) is None:
        return "household.label_unclear"
    return "household.label_taken" if label.casefold() in taken else None


def _show_label(ctx: Context, answers: Answers) -> str:
    return ctx.say("household.line_label", label=answers["label"])


def _ask_name(ctx: Context, answers: Answers) -> Reply:
    return ctx.reply("household.ask_name", label=answers["label"])


def _ask_home(ctx: Context, answers: Answers) -> Reply:
    options = (("same", "household.home_same"), ("other", "household.home_other"))
    return ctx.ask("household.ask_home", *options, label=answers["label"])


def _read_home(ctx: Context, answers: Answers) -> Read:
    if ctx.choice in ("same", "other"):
        return Taken({"home": ctx.choice})
    if ctx.understood.intent == Intent.YES or re.search(
        r"一起|同住|跟我|和我|with me|same", ctx.text, re.IGNORECASE
    ):
        return Taken({"home": "same"})
    if ctx.understood.intent == Intent.NO or re.search(
        r"别处|不一起|不住|外地|elsewhere|not ", ctx.text, re.IGNORECASE
    ):
        return Taken({"home": "other"})
    return None


def _show_home(ctx: Context, answers: Answers) -> str:
    return ctx.say("household.line_home") if answers["home"] == "same" else ""


def _elsewhere(ctx: Context, answers: Answers) -> bool:
    return answers.get("home") == "other"


def _ask_division(ctx: Context, answers: Answers) -> Reply:
    if drafted(answers, "division"):
        return HOME[0].ask(ctx, answers)
    return ctx.reply("household.ask_division", label=answers["label"])


def _ask_well(ctx: Context, answers: Answers) -> Reply:
    options = (("none", "household.well_none"), ("some", "household.well_some"))
    return ctx.ask("household.ask_well", *options, label=answers["label"])


def _read_well(ctx: Context, answers: Answers) -> Read:
    if ctx.choice in ("none", "some"):
        return Taken({"well": ctx.choice})
    if ctx.understood.intent == Intent.NO:
        return Taken({"well": "none"})
    return Taken({"well": "some"}) if ctx.understood.intent == Intent.YES else None


def _show_well(ctx: Context, answers: Answers) -> str:
    return ctx.say(f"household.line_well_{answers['well']}")


def _nothing(ctx: Context, answers: Answers) -> Answers:
    return {}


def _steps() -> tuple[Step, ...]:
    person = {step.name: step for step in PERSON}
    division, address = HOME
    why = "household.why"
    return (
        Step("label", _ask_label, _read_label, ("label",), show=_show_label, why=why, free=True,
             names=("称呼", "label")),
        replace(person["name"], ask=_ask_name, why=why),
        replace(person["certificate_kind"], why=why),
        replace(person["certificate_number"], why=why),
        Step("home", _ask_home, _read_home, ("home",), show=_show_home, why=why,
             resets=("division", "address"), names=("住处", "home")),
        replace(division, ask=_ask_division, needed=_elsewhere, spot=_nothing, why=why, resets=("address",)),
        replace(address, needed=_elsewhere, why=why),
        Step("well", _ask_well, _read_well, ("well",), show=_show_well, why=why, names=("健康", "health")),
    )  # fmt: skip


# -- the end -------------------------------------------------------------------------------------------------


async def submit_member(ctx: Context, answers: Answers) -> Reply:
    """Ask whoever has to say yes; what can be put right is shown for review again."""
    if ctx.resident is None:
        return ctx.ask("household.declare_first", ("申报", "welcome.declare"))
    label = answers["label"]
    home = None if answers["home"] == "same" else (answers["division"], answers["address"])
    wish = Wish(
        label=label,
        name=answers["name"],
        certificate=check_certificate(
            answers["certificate_kind"], answers["certificate_number"], today=ctx.today
        ),
        home=home,
        well=answers["well"] == "none",
    )
    outcome = await ask(
        ctx.world, ctx.work, ctx.database, account=ctx.account, guardian=ctx.resident, wish=wish
    )
    reply = outcome_reply(ctx, outcome, label)
    if outcome in (Asked.MISMATCH, Asked.ONESELF):
        return await review(FORM, ctx, answers, opening=reply)
    if outcome in (Asked.ASKED, Asked.REGISTER_AWAY, Asked.ACTIVE) and not wish.well:
        reply = reply.then(ctx.say("household.not_declared", label=label))
    return reply


def outcome_reply(ctx: Context, outcome: Asked, label: str) -> Reply:
    """What became of the wish, and what to do next."""
    said: dict[str, Any] = {
        "label": label,
        "limit": _policy(ctx).members_per_guardian,
        "days": OPEN_FOR.days,
        "tries": TRIES_A_DAY,
    }
    text = ctx.say(f"household.{outcome.value}", **said)
    if outcome is Asked.NOT_VERIFIED:
        return Reply.of(Choices((Choice(ctx.say("household.verify"), "实名"),), text))
    if outcome in (Asked.ACTIVE, Asked.FULL, Asked.DUPLICATE):
        return Reply.of(Choices((Choice(ctx.say("household.show"), "我的家人"),), text))
    return Reply.of(text)


FORM = Form(NAME, _steps(), submit_member, title="household.title")
