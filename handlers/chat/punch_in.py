"""The daily report in one message: reads back what was understood, asks only for what is missing, saves once a day."""

from __future__ import annotations

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Form, Read, Step, Taken, Wrong, begin, numbered, open_question
from bot.conversation.understanding.household import NOT_MEASURED
from bot.conversation.understanding.understood import Intent, Understood
from bot.conversation.words import day_words, degrees
from bot.core.model import Identity
from bot.message import Incoming, Reply
from bot.services.honesty import wants_full
from bot.services.punch_ins import Report, Saved, unchanged_since
from bot.services.reporting import Reporter, take_report
from bot.store.snapshot import PunchIn, Resident
from handlers.chat.codes import change_words
from handlers.chat.family_words import still_open
from handlers.chat.heard import go_on_as_before, hear, report_of, says_something
from handlers.chat.punch_in_words import (
    advise,
    after_saving,
    covered_by,
    covered_lines,
    report_in,
    symptom_words,
)

DECLARE = "declare"
_OFFERED_SYMPTOMS = ("cough", "fever", "fatigue", "sore_throat")


def reports(message: Incoming, ctx: Context) -> bool:
    """The words are a report, or ask to make one."""
    return bool(ctx.text) and ctx.understood.intent == Intent.PUNCH_IN


async def punch_in(message: Incoming, ctx: Context) -> Reply:
    """Save the report that the message makes, or ask for what it lacks."""
    resident = ctx.resident
    if resident is None or resident.declared_at is None:
        return await _declare_first(ctx)
    if ctx.talk.form == FORM.name:  # left alone for long: this message begins anew
        ctx.talk.end()
        ctx.aside = open_question(ctx)
    said = ctx.understood
    if said.members:
        return _ask_for_whom(ctx, said)
    today = resident.punch_ins.get(ctx.today)
    if today is not None and not says_something(said):
        return _already(ctx, resident, today)
    heard = hear(said, ctx.text, ctx.today, today)
    if said.no_change:
        earlier = today or unchanged_since(resident, ctx.today)
        bare = today is None and "temperature" not in heard
        if earlier is not None and bare and _wants_full(ctx, resident):
            return await _ask(ctx, heard, ctx.reply("honesty.full_today"))
        if earlier is not None:
            go_on_as_before(heard, said, earlier)
        elif "temperature" not in heard:
            return await _ask(ctx, heard, ctx.reply("punch_in.no_earlier_report"))
    if "temperature" in heard and "symptoms" in heard:
        return await save_report(ctx, heard)
    opening = None
    if said.implausible_temperature_tenths is not None:
        opening = ctx.reply("punch_in.implausible", temperature=degrees(said.implausible_temperature_tenths))
    return await _ask(ctx, heard, opening)


# -- saving --------------------------------------------------------------------------------------------------


async def save_report(ctx: Context, answers: Answers) -> Reply:
    """Save what is known now, and read it back with the colours, what is covered, and the receipt."""
    resident = ctx.resident
    if resident is None:
        return await _declare_first(ctx)
    by = Reporter(ctx.account.id, ctx.message.channel)
    saved, hint = await take_report(
        ctx.world,
        ctx.work,
        ctx.database,
        resident,
        report=report_of(answers),
        by=by,
        corrects=bool(answers.get("corrects")),
    )
    text = after_saving(
        covered_by(ctx, resident, saved.day),
        saved.receipt,
        report=_read_back(ctx, saved.report, answers),
        revision=saved.revision,
        verified=resident.identity is Identity.VERIFIED,
        advice=_advice(ctx, saved),
        changes=tuple(change_words(ctx, change) for change in saved.changes),
    )
    reply = Reply.of(text) if hint is None else Reply.of(text, ctx.say(f"honesty.hint_{hint.kind}"))
    return reply.then(*await still_open(ctx))


def _wants_full(ctx: Context, resident: Resident) -> bool:
    """Whether "no change" isn't enough today."""
    return wants_full(ctx.world.policies.of(resident.division), resident.resident_id, ctx.today)


def _advice(ctx: Context, saved: Saved) -> str:
    advice = advise(ctx, saved.report)
    return f"{ctx.say('punch_in.fever_stays')}\n{advice}" if saved.kept_fever else advice


def _read_back(ctx: Context, report: Report, answers: Answers) -> str:
    kept = tuple(code for code in answers.get("kept_symptoms", ()) if code in report.symptoms)
    return report_in(
        ctx.texts,
        ctx.language,
        report,
        kept_symptoms=kept,
        kept_temperature=bool(answers.get("kept_temperature")),
        spoken=bool(answers.get("spoken")),
    )


# -- what is missing -----------------------------------------------------------------------------------------


async def _ask(ctx: Context, heard: Answers, opening: Reply | None) -> Reply:
    """Begin the form with what is known; what another form asked waits until this is done."""
    return await begin(FORM, ctx, heard, opening=opening)


async def _declare_first(ctx: Context) -> Reply:
    """Without a declaration nothing can be saved: say so, and begin one unless it is under way."""
    opening = ctx.reply("punch_in.declare_first")
    if ctx.talk.form == DECLARE:
        return opening
    return await begin(ctx.forms[DECLARE], ctx, opening=opening)


def _ask_for_whom(ctx: Context, said: Understood) -> Reply:
    """Somebody else is named: nothing is saved until it is clear whose report it is."""
    own = _plainly(ctx, said)
    options = [(own, ctx.say("punch_in.it_is_mine", report=own)), ("家人", ctx.say("punch_in.it_is_theirs"))]
    return numbered(ctx, "punch_in.for_whom", options, members="、".join(said.members))


def _plainly(ctx: Context, said: Understood) -> str:
    """The same report without the people it names, in words that are understood again."""
    parts = [f"{degrees(said.temperature_tenths)}"] if said.temperature_tenths is not None else []
    parts += [ctx.texts.say("zh", f"punch_in.symptom_{code}") for code in said.symptoms]
    if said.no_symptoms and not said.symptoms:
        parts.append("没有症状")
    if said.no_change:
        parts.append("没变化")
    return " ".join(parts) or "打卡"


def _already(ctx: Context, resident: Resident, today: PunchIn) -> Reply:
    """Today's report is there and nothing new was said: show it."""
    report = Report(today.temperature_tenths, today.symptoms, today.no_change)
    return ctx.reply(
        "punch_in.already",
        day=day_words(ctx, today.day),
        report=_read_back(ctx, report, {"spoken": True}),
        covered=covered_lines(covered_by(ctx, resident, today.day)),
        receipt=today.receipt,
    )


# -- the form ------------------------------------------------------------------------------------------------


def _read(ctx: Context, answers: Answers) -> Read:
    """What the message adds to the report; answers of another day are forgotten first."""
    said = ctx.understood
    if said.members:
        return Wrong("punch_in.members_not_here", (("members", "、".join(said.members)),))
    if said.implausible_temperature_tenths is not None:
        return Wrong("punch_in.implausible", (("temperature", degrees(said.implausible_temperature_tenths)),))
    _forget_other_days(ctx, answers)
    found: Answers = {}
    if said.temperature_tenths is not None:
        found["temperature"] = said.temperature_tenths
    elif NOT_MEASURED.search(ctx.text):
        found["temperature"] = None
    _read_symptoms(ctx, said, answers, found)
    if said.no_change and not found and _nothing_known(ctx, answers):
        return _read_no_change(ctx, said)
    if found:
        return Taken(found)
    return Wrong("punch_in.please_tell") if said.intent == Intent.PUNCH_IN else None


def _read_no_change(ctx: Context, said: Understood) -> Read:
    resident = ctx.resident
    earlier = unchanged_since(resident, ctx.today) if resident else None
    if resident is None or earlier is None:
        return Wrong("punch_in.no_earlier_report")
    if _wants_full(ctx, resident):
        return Wrong("honesty.full_today")
    found: Answers = {}
    go_on_as_before(found, said, earlier)
    return Taken(found)


def _read_symptoms(ctx: Context, said: Understood, answers: Answers, found: Answers) -> None:
    known: list[str] = answers.get("symptoms") or answers.get("clear") or []
    unclear: list[str] = answers.get("unclear") or []
    if said.unclear_symptoms:
        found |= {"clear": [*known, *said.symptoms], "unclear": list(said.unclear_symptoms)}
    elif unclear and (ctx.choice == "yes" or said.intent == Intent.YES):
        found |= {"symptoms": [*known, *unclear], "spoken": True}
    elif said.no_symptoms or (unclear and (ctx.choice == "no" or said.intent == Intent.NO)):
        left = [] if said.no_symptoms else list(known)
        found |= {"symptoms": left, "spoken": said.no_symptoms or bool(left)}
    elif said.symptoms or said.denied_symptoms:
        together = [code for code in (*known, *said.symptoms) if code not in said.denied_symptoms]
        found |= {"symptoms": together, "spoken": bool(together)}
    elif found.get("temperature") is not None and not unclear and "symptoms" not in answers:
        found["symptoms"] = []


def _forget_other_days(ctx: Context, answers: Answers) -> None:
    if answers.get("day") != ctx.today.isoformat():
        answers.clear()
        answers["day"] = ctx.today.isoformat()


def _ask_report(ctx: Context, answers: Answers) -> Reply:
    resident = ctx.resident
    if resident is None or _wants_full(ctx, resident) or unchanged_since(resident, ctx.today) is None:
        return ctx.reply("punch_in.ask_report")
    return ctx.ask("punch_in.ask_report", ("没变化", "punch_in.no_change"))


def _ask_temperature(ctx: Context, answers: Answers) -> Reply:
    known = answers.get("symptoms", ()) if answers.get("day") == ctx.today.isoformat() else ()
    return ctx.ask(
        "punch_in.ask_temperature", ("没量体温", "punch_in.not_measured"), symptoms=symptom_words(ctx, known)
    )


def _ask_symptoms(ctx: Context, answers: Answers) -> Reply:
    unclear = answers.get("unclear", ())
    if unclear:
        options = (("yes", "punch_in.has_it"), ("no", "punch_in.has_it_not"))
        return ctx.ask("punch_in.ask_unclear", *options, symptoms=symptom_words(ctx, unclear))
    offered = [
        (ctx.texts.say("zh", f"punch_in.symptom_{code}"), f"punch_in.symptom_{code}")
        for code in _OFFERED_SYMPTOMS
    ]
    return ctx.ask("punch_in.ask_symptoms", ("没有症状", "punch_in.no_symptoms"), *offered)


def _nothing_known(ctx: Context, answers: Answers) -> bool:
    return not {"temperature", "symptoms", "unclear"} & answers.keys()


FORM = Form(
    name="punch_in",
    steps=(
        Step(
            "report", _ask_report, _read, ("temperature", "symptoms"),
            needed=_nothing_known, why="punch_in.why_asked",
        ),
        Step("temperature", _ask_temperature, _read, ("temperature",), why="punch_in.why_asked"),
        Step("symptoms", _ask_symptoms, _read, ("symptoms",), why="punch_in.why_asked"),
    ),
    submit=save_report,
    review=False,
    title="punch_in.title",
)  # fmt: skip
