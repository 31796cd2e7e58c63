"""One line for the whole household: read back member by member, saved for exactly those whom it names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Form, Read, Step, Taken, Wrong, begin
from bot.conversation.routing import PASS, Answer
from bot.conversation.understanding.household import NOT_MEASURED, HouseholdLine, read_household
from bot.conversation.understanding.understood import Intent, MemberReport
from bot.conversation.words import day_words
from bot.message import Choice, Choices, Incoming, Reply
from handlers.chat.family import Relative, Trouble, family_of, names_of, who_is_meant
from handlers.chat.family_answers import (
    AGAIN,
    DETAILED,
    OPEN,
    SAID,
    family_in,
    follow,
    forget_the_day,
    is_of_another_day,
    keep_family,
    keep_words,
    open_what_is_missing,
    spoken_of,
    take_meant,
    take_up_changes,
    troubles_of,
)
from handlers.chat.family_saving import save_family
from handlers.chat.family_words import read_back_line, trouble_lines, who_is_who
from handlers.chat.heard import says_something

PUNCH_IN = "punch_in"
_LINE = "line:"
_CHANGE = re.compile(
    r"^\s*(?:修改|更改|改|change|edit)\s*(?:第\s*)?([0-9]{1,2})\s*(?:项|行|个|号)?\s*$", re.IGNORECASE
)
_CHANGE_ANY = re.compile(r"^\s*(?:修改|更改|改一?下?|change|edit)\s*$", re.IGNORECASE)
_SAVE = re.compile(r"^\s*(?:保存|存|save)\s*[。.!！]?\s*$", re.IGNORECASE)
_TEMPERATURE = re.compile(r"[0-9]{2}(?:\.[0-9]+)?")
_REPORTING = frozenset({Intent.PUNCH_IN, Intent.UNKNOWN})


def may_be_family(message: Incoming, ctx: Context) -> bool:
    """Somebody who speaks for others says something that could be a report."""
    return (
        len(ctx.residents) > 1
        and bool(ctx.text)
        and ctx.talk.form in ("", PUNCH_IN)
        and ctx.understood.intent in _REPORTING
    )


async def report_family(message: Incoming, ctx: Context) -> Answer:
    """Read the line back where it names a member; leave what is about oneself alone to the daily report."""
    if ctx.resident is None or ctx.resident.declared_at is None:
        return PASS
    family = await family_of(ctx)
    line = read_household(ctx.text, names_of(family))
    if not _is_about_family(ctx, line):
        return PASS
    if ctx.talk.form == PUNCH_IN and ctx.talk.expired:  # left alone for long: this message begins anew
        ctx.talk.end()
    answers: Answers = {}
    keep_family(answers, family)
    troubles = _take_line(ctx, answers, line, family)
    if troubles:
        return _unclear(ctx, troubles, family)
    if not answers.get(SAID) and all(one.reported(ctx) for one in family if one.resident.declared_at):
        return _all_have_reported(ctx, family)
    return await begin(FORM, ctx, answers)


def _is_about_family(ctx: Context, line: HouseholdLine) -> bool:
    if line.names_others:
        return ctx.understood.intent == Intent.PUNCH_IN or (
            not line.unread and any(map(_says_anything, line.parts))
        )
    # somebody unknown in front of a report: it is nobody's until it is clear whose
    return bool(line.unread) and _begins_with_a_stranger(line) and ctx.understood.intent == Intent.PUNCH_IN


def _begins_with_a_stranger(line: HouseholdLine) -> bool:
    if not line.parts or not line.unread:
        return False
    first, stranger = line.parts[0], line.unread[0]
    in_front = not first.who and first.text.lstrip().startswith(stranger)
    return in_front and says_something(first.said) and not any(sign.isdecimal() for sign in stranger)


def _take_line(
    ctx: Context, answers: Answers, line: HouseholdLine, family: Sequence[Relative]
) -> list[Trouble]:
    """What is unclear about a line; where nothing is, the form has it."""
    meant = who_is_meant(ctx, line.parts, family)
    for words in line.unread:
        key = "family.implausible" if _TEMPERATURE.fullmatch(words) else "family.not_read"
        meant.troubles.append(Trouble(key, words))
    silent = [part for part in line.parts if not _says_anything(part)]
    if len(line.parts) > 1:
        meant.troubles += [Trouble("family.nothing_said", "、".join(part.words)) for part in silent]
    elif silent and len(meant.said) > 1 and not meant.troubles:
        return []  # "全家打卡": the form asks for a line
    return take_meant(ctx, answers, meant, family)


def _says_anything(part: MemberReport) -> bool:
    return says_something(part.said) or part.said.no_change or bool(NOT_MEASURED.search(part.text))


def _unclear(ctx: Context, troubles: Sequence[Trouble], family: Sequence[Relative]) -> Reply:
    """Nothing is saved, for nobody: everything that is unclear at once, and who is who."""
    return ctx.reply("family.unclear", troubles=trouble_lines(ctx, troubles), family=who_is_who(ctx, family))


def _all_have_reported(ctx: Context, family: Sequence[Relative]) -> Reply:
    return ctx.reply("family.all_reported", family=who_is_who(ctx, family))


# -- the form ------------------------------------------------------------------------------------------------


def _ask_line(ctx: Context, answers: Answers) -> Reply:
    key, who = answers.get(AGAIN, ("family.ask_line", ""))
    return ctx.reply(key, who=who, family=who_is_who(ctx, family_in(ctx, answers)))


def _ask_detail(ctx: Context, answers: Answers) -> Reply:
    one = _open_one(ctx, answers)
    if one is None:
        return _ask_line(ctx, answers)
    if str(one.id) not in answers.get(SAID, {}):
        key = "family.ask_minor" if one.minor else "family.ask_adult"
    else:
        following = follow(ctx, answers, one)
        key = following.asks or ("family.ask_minor" if one.minor else "family.ask_adult")
    options = [("没有症状", "family.no_symptoms")]
    if key != "family.ask_symptoms":
        options.append(("没量体温，没有症状", "family.not_measured"))
    if one.minor:
        options = [("没有症状", "family.child_is_well")]
    return ctx.ask(key, *options, who=one.label)


def _ask_confirm(ctx: Context, answers: Answers) -> Reply:
    if is_of_another_day(ctx, answers):
        return ctx.ask("family.day_is_over", ("again", "family.say_again"), ("cancel", "family.cancel"))
    family = family_in(ctx, answers)
    lines = tuple(
        Choice(f"{one.label}{ctx.say('family.colon')}{read_back_line(ctx, answers, one)}", f"{_LINE}{one.id}")
        for one in family
    )
    options = (("save", "family.save"), ("change", "family.change"), ("cancel", "family.cancel"))
    last = tuple(Choice(ctx.say(label), value) for value, label in options)
    spoken = spoken_of(ctx, answers)
    unmeasured = [one for one in spoken if not one.minor and not _is_measured(ctx, answers, one)]
    return Reply.of(
        Choices(lines, ctx.say("family.review", day=day_words(ctx, ctx.today), count=len(spoken))),
        Choices(last, ctx.say("family.review_how", unmeasured=[one.label for one in unmeasured])),
    )


def _is_measured(ctx: Context, answers: Answers, one: Relative) -> bool:
    return follow(ctx, answers, one).heard.get("temperature") is not None


def _read_line(ctx: Context, answers: Answers) -> Read:
    _leave_other_day(ctx, answers)
    read = _read_names(ctx, answers)
    if read is not None:
        return read
    return Wrong("family.whose") if ctx.understood.intent == Intent.PUNCH_IN else None


def _read_detail(ctx: Context, answers: Answers) -> Read:
    if _leave_other_day(ctx, answers):
        return Taken({})
    read = _read_names(ctx, answers) if ctx.choice is None else None
    one = _open_one(ctx, answers)
    if read is not None or one is None:
        return read or Taken({})
    line = read_household(ctx.text)
    if len(line.parts) != 1 or not _says_anything(line.parts[0]):
        return None
    troubles = [Trouble("family.not_read", words) for words in line.unread]
    troubles += troubles_of(ctx, one, line.parts[0].said)
    if troubles:
        return _wrong(ctx, troubles, family_in(ctx, answers))
    keep_words(ctx, answers, one, _together(ctx, answers, one, line.parts[0].text))
    open_what_is_missing(ctx, answers)
    return Taken({})


def _together(ctx: Context, answers: Answers, one: Relative, text: str) -> str:
    """Behind "not measured" what is said next is the rest of it; otherwise it is said anew."""
    before = answers.get(SAID, {}).get(str(one.id))
    if before is not None and follow(ctx, answers, one).asks == "family.ask_symptoms":
        return f"{before[0]}, {text}"
    return text


def _read_confirm(ctx: Context, answers: Answers) -> Read:
    if _leave_other_day(ctx, answers):
        return _read_names(ctx, answers) or Taken({})
    open_what_is_missing(ctx, answers)
    wanted = _line_to_change(ctx, answers)
    if wanted is not None:
        answers[OPEN] = [wanted]
        answers.pop(DETAILED, None)
        return Taken({})
    if ctx.choice == "change" or _CHANGE_ANY.match(ctx.text) or ctx.understood.intent == Intent.NO:
        return Wrong("family.which_line")
    if ctx.choice == "save" or _SAVE.match(ctx.text) or ctx.understood.intent == Intent.YES:
        return _read_save(ctx, answers)
    read = _read_names(ctx, answers)
    if read is not None:
        return read
    return Wrong("family.whose") if ctx.understood.intent == Intent.PUNCH_IN else None


def _read_save(ctx: Context, answers: Answers) -> Read:
    """What was read back is saved, and nothing else: what has moved since is read back again."""
    changed = take_up_changes(ctx, answers)
    if changed:
        open_what_is_missing(ctx, answers)
        if not answers[SAID]:
            forget_the_day(answers)
            answers[AGAIN] = ["family.ask_gone", "、".join(changed)]
            return Taken({})
        return Wrong("family.moved", (("who", "、".join(changed)),))
    return Taken({"confirmed": True})


def _line_to_change(ctx: Context, answers: Answers) -> int | None:
    """The resident whose line was picked, by its number or "改 2"."""
    family = family_in(ctx, answers)
    if ctx.choice is not None and ctx.choice.startswith(_LINE):
        wanted = ctx.choice.removeprefix(_LINE)
        return next((one.id for one in family if str(one.id) == wanted), None)
    numbered = _CHANGE.match(ctx.text)
    if numbered is None:
        return None
    return next((one.id for one in family if one.number == int(numbered[1])), None)


def _read_names(ctx: Context, answers: Answers) -> Read:
    """A line that names somebody is taken over at every step; what it doesn't name stays as it was."""
    if not ctx.text or ctx.choice is not None:
        return None
    family = family_in(ctx, answers)
    line = read_household(ctx.text, names_of(family))
    named = any(part.who for part in line.parts) and any(map(_says_anything, line.parts))
    if not named and not _begins_with_a_stranger(line):
        return None
    troubles = _take_line(ctx, answers, line, family)
    if troubles:
        return _wrong(ctx, troubles, family)
    answers.pop(AGAIN, None)
    return Taken({})


def _wrong(ctx: Context, troubles: Sequence[Trouble], family: Sequence[Relative]) -> Wrong:
    shown = (("troubles", trouble_lines(ctx, troubles)), ("family", who_is_who(ctx, family)))
    return Wrong("family.unclear", shown)


def _leave_other_day(ctx: Context, answers: Answers) -> bool:
    """What was said on a day that is over is asked again."""
    if not is_of_another_day(ctx, answers):
        return False
    forget_the_day(answers)
    answers[AGAIN] = ["family.ask_new_day", ""]
    return True


def _open_one(ctx: Context, answers: Answers) -> Relative | None:
    wanted = answers.get(OPEN) or [0]
    return next((one for one in family_in(ctx, answers) if one.id == wanted[0]), None)


def _nothing_said(ctx: Context, answers: Answers) -> bool:
    return not answers.get(SAID)


def _something_said(ctx: Context, answers: Answers) -> bool:
    return bool(answers.get(SAID))


FORM = Form(
    name="family",
    steps=(
        Step("line", _ask_line, _read_line, (SAID,), needed=_nothing_said, why="punch_in.why_asked"),
        Step("detail", _ask_detail, _read_detail, (DETAILED,), needed=_something_said, why="punch_in.why_asked"),
        Step("confirm", _ask_confirm, _read_confirm, ("confirmed",), why="punch_in.why_asked"),
    ),
    submit=save_family,
    review=False,
    title="family.title",
)  # fmt: skip
