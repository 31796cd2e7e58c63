"""What of a report is known: from somebody's words and, for what these leave out, from the day's earlier report."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bot.conversation.forms import Answers
from bot.conversation.understanding.household import CORRECTS, NOT_MEASURED
from bot.conversation.understanding.understood import Understood
from bot.core.facts import FEVER_TENTHS
from bot.services.punch_ins import FEVER, Report, carried, in_order
from bot.store.snapshot import PunchIn


def hear(said: Understood, text: str, day: date, today: PunchIn | None) -> Answers:
    """What is known of the report of that day; `today` is the one that stands for it already."""
    heard: Answers = {"day": day.isoformat()}
    if CORRECTS.search(text):
        heard["corrects"] = True
    if said.temperature_tenths is not None:
        heard["temperature"] = said.temperature_tenths
    elif said.implausible_temperature_tenths is None:
        if today is not None and not today.no_change:
            heard |= {"temperature": today.temperature_tenths, "kept_temperature": True}
        elif NOT_MEASURED.search(text):
            heard["temperature"] = None
    _hear_symptoms(heard, said, _not_measured_wrong(heard, today))
    return heard


def _not_measured_wrong(heard: Answers, today: PunchIn | None) -> PunchIn | None:
    """The earlier report without the fever that a wrong reading left behind."""
    tenths = heard.get("temperature")
    if today is None or not heard.get("corrects") or tenths is None or tenths >= FEVER_TENTHS:
        return today
    return replace(today, symptoms=tuple(code for code in today.symptoms if code != FEVER))


def _hear_symptoms(heard: Answers, said: Understood, today: PunchIn | None) -> None:
    earlier = today.symptoms if today is not None and not said.no_symptoms else ()
    symptoms = [code for code in (*earlier, *said.symptoms) if code not in said.denied_symptoms]
    if earlier:
        heard["kept_symptoms"] = [code for code in symptoms if code not in said.symptoms]
    if said.unclear_symptoms:
        heard |= {"clear": symptoms, "unclear": list(said.unclear_symptoms)}
        return
    if said.symptoms or said.no_symptoms:
        heard |= {"symptoms": symptoms, "spoken": True}
    elif said.denied_symptoms or today is not None or heard.get("temperature") is not None:
        heard["symptoms"] = symptoms


def go_on_as_before(heard: Answers, said: Understood, earlier: PunchIn) -> None:
    """ "No change": the symptoms of the report before go on, and no temperature is made up."""
    measured = heard.get("temperature") is not None
    if not said.no_symptoms:
        before = earlier.symptoms if measured else carried(earlier)
        known: list[str] = heard.get("symptoms") or heard.get("clear") or []
        together = [code for code in (*before, *known) if code not in said.denied_symptoms]
        heard["clear" if "unclear" in heard else "symptoms"] = list(in_order(together))
    if not measured:
        heard |= {"temperature": None, "no_change": True}


def says_something(said: Understood) -> bool:
    """Whether there is anything to save; "no change" after today's report adds nothing to it."""
    return bool(
        said.temperature_tenths is not None
        or said.implausible_temperature_tenths is not None
        or said.symptoms
        or said.no_symptoms
        or said.denied_symptoms
        or said.unclear_symptoms
    )


def report_of(answers: Answers) -> Report:
    """The report to be saved, where nothing is missing."""
    return Report(
        temperature_tenths=answers["temperature"],
        symptoms=in_order(answers["symptoms"]),
        no_change=bool(answers.get("no_change")) and answers["temperature"] is None,
    )
