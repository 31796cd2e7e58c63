"""The questions of a declaration about contacts, symptoms and underlying diseases."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Read, Step, Taken, Wrong, numbered
from bot.conversation.understanding.understood import Intent
from bot.conversation.words import day_words
from bot.core.facts import FEVER_TENTHS, SYMPTOMS
from bot.message import Reply
from bot.services.declaration_rules import DISEASES, EARLIEST_CONTACT, LONGEST_DISEASE, contact_problem
from bot.services.declared_facts import window
from handlers.chat.declaration_home import clipped
from handlers.chat.declaration_person import minor

_DISEASE_WORDS: dict[str, re.Pattern[str]] = {
    "hypertension": re.compile(r"高血压|hypertension|high blood pressure", re.IGNORECASE),
    "diabetes": re.compile(r"糖尿病|diabet", re.IGNORECASE),
    "heart": re.compile(r"心脏病|冠心病|心衰|heart", re.IGNORECASE),
    "lung": re.compile(r"慢性肺|慢阻肺|哮喘|肺气肿|lung|asthma|copd", re.IGNORECASE),
    "kidney": re.compile(r"肾病|肾炎|尿毒症|透析|kidney|renal", re.IGNORECASE),
    "immune": re.compile(r"肿瘤|癌|免疫|移植|化疗|cancer|tumou?r|immun|transplant", re.IGNORECASE),
}
_UNSURE = re.compile(
    r"不确定|不清楚|不知道|不好说|说不好|说不准|可能|也许|大概|好像|not sure|unsure|maybe|don't know|perhaps",
    re.IGNORECASE,
)
_NO = re.compile(
    r"没有|没接触|没见|未接触|从没|不曾|无接触|\bno\b|\bnot\b|\bnever\b|haven't|didn't", re.IGNORECASE
)
_YES = re.compile(
    r"接触过|接触了|见过|有过|有接触|一起|^\s*有|\byes\b|\bi did\b|\bi have\b|\bmet\b", re.IGNORECASE
)
_FORGOTTEN = re.compile(
    r"忘|不记得|记不|不清楚|不知道|不确定|forg|don't (?:know|remember)|not sure", re.IGNORECASE
)
_NUMBERS = re.compile(r"\s*[0-9]{1,2}(?:[\s,，、.;；和+/&]+[0-9]{1,2})*\s*[。.]?\s*")
_NOTHING = re.compile(
    r"^\s*(?:都)?(?:没有?|无)(?:任何|什么)?(?:病|疾病|基础病|慢性病|基础疾病|病史)?[。.!！]?\s*$|^\s*(?:none|no|healthy)\s*$|身体(?:很|挺)?(?:好|健康)",
    re.IGNORECASE,
)
_CONTACT_OPTIONS = (
    ("no", "declare.no_contact"),
    ("yes", "declare.yes_contact"),
    ("unsure", "declare.unsure"),
)


def several_picked(ctx: Context, options: Sequence[str]) -> list[str] | None:
    """The offered values that a message picks by several numbers; None if it picks one by its words, or none.

    The numbers are those that were seen, which go on from another list above the question. They are read from
    what was typed: "1 3" picks two answers and not the thirteenth.
    """
    offered = [choice.value for choice in ctx.talk.choices] or list(options)
    numbers = picked_numbers(ctx.message.text, len(offered))
    if not numbers or (len(numbers) == 1 and ctx.choice is not None):
        return None
    values = [offered[number - 1] for number in numbers]
    return values if set(values) <= set(options) else None


def picked_numbers(text: str, count: int) -> list[int] | None:
    """The numbers of a text that is nothing but numbers from 1 to `count`, each once; None if it is not."""
    plain = unicodedata.normalize("NFKC", text)
    if not _NUMBERS.fullmatch(plain):
        return None
    numbers = list(dict.fromkeys(int(each) for each in re.findall(r"[0-9]+", plain)))
    return numbers if all(1 <= number <= count for number in numbers) else None


# -- contacts ------------------------------------------------------------------------------------------------


def _ask_contact(slot: str) -> Callable[[Context, Answers], Reply]:
    def ask(ctx: Context, answers: Answers) -> Reply:
        first, last = window(ctx.today)
        return ctx.ask(
            f"declare.ask_{slot}", *_CONTACT_OPTIONS, first=day_words(ctx, first), last=day_words(ctx, last)
        )

    return ask


def _said(ctx: Context) -> str | None:
    """Yes, no or unsure, however it is put."""
    if ctx.choice is not None:
        return ctx.choice if ctx.choice in ("yes", "no", "unsure") else None
    if _UNSURE.search(ctx.text):
        return "unsure"
    if ctx.understood.intent == Intent.NO or _NO.search(ctx.text):
        return "no"
    return "yes" if ctx.understood.intent == Intent.YES or _YES.search(ctx.text) else None


def _read_case_contact(ctx: Context, answers: Answers) -> Read:
    said = _said(ctx)
    if said is None:
        return None
    values: Answers = {"case_contact": said}
    if said != "no" and ctx.choice is None and ctx.understood.dates:
        day = _read_day(ctx, answers)
        if isinstance(day, Wrong):
            return day
        values["case_contact_day"] = ctx.understood.dates[0].isoformat()
    return Taken(values)


def _read_risk_contact(ctx: Context, answers: Answers) -> Read:
    said = _said(ctx)
    return Taken({"risk_contact": said}) if said is not None else None


def _ask_contact_day(ctx: Context, answers: Answers) -> Reply:
    return ctx.ask("declare.ask_case_contact_day", ("forgotten", "declare.forgotten"))


def _read_day(ctx: Context, answers: Answers) -> Read:
    if ctx.choice == "forgotten" or (
        ctx.choice is None and not ctx.understood.dates and _FORGOTTEN.search(ctx.text)
    ):
        return Taken({"case_contact_day": ""})
    if ctx.understood.lunar_date:
        return Wrong("declare.lunar_date")
    if ctx.choice is not None or not ctx.understood.dates:
        return None
    day = ctx.understood.dates[0]
    problem = contact_problem(day, ctx.today)
    if problem is not None:
        name, said = ("day", day) if problem == "day_to_come" else ("first", ctx.today - EARLIEST_CONTACT)
        return Wrong(f"declare.{problem}", ((name, day_words(ctx, said)),))
    return Taken({"case_contact_day": day.isoformat()})


def _has_contact(ctx: Context, answers: Answers) -> bool:
    return answers.get("case_contact") in ("yes", "unsure")


def _show_case_contact(ctx: Context, answers: Answers) -> str:
    day = answers.get("case_contact_day", "")
    return ctx.say(
        "declare.line_case_contact",
        said=_contact_words(ctx, answers["case_contact"]),
        day=day_words(ctx, date.fromisoformat(day)) if day and _has_contact(ctx, answers) else "",
    )


def _show_risk_contact(ctx: Context, answers: Answers) -> str:
    return ctx.say("declare.line_risk_contact", said=_contact_words(ctx, answers["risk_contact"]))


def _contact_words(ctx: Context, said: str) -> str:
    return ctx.say(dict(_CONTACT_OPTIONS)[said])


def _adult(ctx: Context, answers: Answers) -> bool:
    return not minor(ctx, answers)


# -- symptoms ------------------------------------------------------------------------------------------------


def symptom_words(ctx: Context, symptoms: Sequence[str]) -> str:
    """The symptoms in words, or that there are none."""
    return ctx.say("declare.between").join(
        ctx.say(f"declare.symptom_{code}") for code in symptoms
    ) or ctx.say("declare.nothing")


def _ask_symptoms(ctx: Context, answers: Answers) -> Reply:
    options = [("none", ctx.say("declare.no_symptoms"))]
    options += [(code, ctx.say(f"declare.symptom_{code}")) for code in SYMPTOMS]
    return numbered(ctx, "declare.ask_symptoms", options)


def _read_symptoms(ctx: Context, answers: Answers) -> Read:
    several = several_picked(ctx, ("none", *SYMPTOMS))
    if several and "none" in several and len(several) > 1:
        return Wrong("declare.symptoms_contradict")
    picked = several or ([ctx.choice] if ctx.choice is not None else [])
    if picked:
        return _symptoms(ctx, [code for code in picked if code != "none"])
    said = ctx.understood
    if said.unclear_symptoms:
        return Wrong("declare.symptoms_unclear", (("symptoms", symptom_words(ctx, said.unclear_symptoms)),))
    found = _heard(ctx)
    if found:
        return _symptoms(ctx, found)
    return _symptoms(ctx, []) if said.no_symptoms or said.intent == Intent.NO else None


def _heard(ctx: Context) -> list[str]:
    """The symptoms that were said; a temperature that is a fever is one."""
    said = ctx.understood
    fever = said.temperature_tenths is not None and said.temperature_tenths >= FEVER_TENTHS
    return list(dict.fromkeys([*(["fever"] if fever else []), *said.symptoms]))


def _symptoms(ctx: Context, codes: list[str]) -> Read:
    if not set(codes) <= set(SYMPTOMS):
        return None
    ordered = [code for code in SYMPTOMS if code in codes]
    return Taken({"symptoms": ordered, "symptoms_on": ctx.today.isoformat()})


def _spot_symptoms(ctx: Context, answers: Answers) -> Answers:
    """What is said about symptoms by the way; with a temperature it is a daily report, not an answer."""
    said = ctx.understood
    if (
        said.temperature_tenths is not None
        or said.unclear_symptoms
        or not (said.symptoms or said.no_symptoms)
    ):
        return {}
    read = _symptoms(ctx, _heard(ctx))
    return read.values if isinstance(read, Taken) else {}


def _show_symptoms(ctx: Context, answers: Answers) -> str:
    return ctx.say("declare.line_symptoms", symptoms=symptom_words(ctx, answers["symptoms"]))


# -- underlying diseases -------------------------------------------------------------------------------------


def _ask_diseases(ctx: Context, answers: Answers) -> Reply:
    options = [("none", ctx.say("declare.no_diseases"))]
    options += [(code, ctx.say(f"declare.disease_{code}")) for code in DISEASES]
    return numbered(ctx, "declare.ask_diseases", options)


def _read_diseases(ctx: Context, answers: Answers) -> Read:
    options = ("none", *DISEASES)
    picked = several_picked(ctx, options) or ([ctx.choice] if ctx.choice is not None else [])
    if picked:
        known = set(picked) <= set(options)
        return Taken({"diseases": [code for code in DISEASES if code in picked]}) if known else None
    text = " ".join(ctx.text.split())
    if ctx.understood.intent == Intent.NO or _NOTHING.search(text):
        return Taken({"diseases": []})
    found = [code for code, words in _DISEASE_WORDS.items() if words.search(text)]
    if found:
        return Taken({"diseases": found})
    if len(text) < 2 or ctx.understood.intent != Intent.UNKNOWN:
        return None
    return Taken({"diseases": [text[:LONGEST_DISEASE]]})


def _show_diseases(ctx: Context, answers: Answers) -> str:
    said = [ctx.say(f"declare.disease_{each}") if each in DISEASES else each for each in answers["diseases"]]
    return ctx.say(
        "declare.line_diseases",
        diseases=clipped(ctx.say("declare.between").join(said)) or ctx.say("declare.nothing"),
    )


STEPS = (
    Step(
        "case_contact",
        _ask_contact("case_contact"),
        _read_case_contact,
        ("case_contact",),
        show=_show_case_contact,
        why="declare.why_contact",
        resets=("case_contact_day",),
        names=("接触病例", "病例", "密接", "接触", "contact", "case"),
    ),
    Step(
        "case_contact_day",
        _ask_contact_day,
        _read_day,
        ("case_contact_day",),
        needed=_has_contact,
        why="declare.why_contact",
        names=("接触日期", "contact day"),
    ),
    Step(
        "risk_contact",
        _ask_contact("risk_contact"),
        _read_risk_contact,
        ("risk_contact",),
        show=_show_risk_contact,
        needed=_adult,
        why="declare.why_risk_contact",
        names=("接触外地", "风险地区", "risk area"),
    ),
    Step(
        "symptoms",
        _ask_symptoms,
        _read_symptoms,
        ("symptoms", "symptoms_on"),
        show=_show_symptoms,
        spot=_spot_symptoms,
        why="declare.why_symptoms",
        names=("症状", "身体", "健康状况", "symptom", "symptoms"),
    ),
    Step(
        "diseases",
        _ask_diseases,
        _read_diseases,
        ("diseases",),
        show=_show_diseases,
        needed=_adult,
        why="declare.why_diseases",
        free=True,
        names=("基础病", "疾病", "病史", "慢性病", "disease", "diseases"),
    ),
)
