"""The answers of a declaration, as they are filled in and kept, in the words of the service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.services.certificates import check_certificate
from bot.services.declarations import Declared
from bot.services.declared_facts import Contact, Journey, Statements, Stay, window
from bot.services.residents import Profile
from bot.services.schemes import Schemes


def declared_from(
    answers: Mapping[str, Any], *, today: date, schemes: Schemes, corrected_day: date | None = None
) -> Declared:
    """Everything that complete answers say. `corrected_day`: that of the declaration that they correct."""
    day = answers.get("case_contact_day", "")
    contact = None
    if answers["case_contact"] != "no":
        contact = Contact(answers["case_contact"] == "yes", date.fromisoformat(day) if day else None)
    certificate = check_certificate(answers["certificate_kind"], answers["certificate_number"], today=today)
    return Declared(
        profile=Profile(
            name=answers["name"],
            certificate=certificate,
            phone=answers["phone"],
            division=answers["division"],
            address=answers["address"],
        ),
        statements=Statements(
            home=answers["division"],
            stays=_stays(answers, today, whole=corrected_day is not None),
            journeys=_journeys(answers, today, whole=corrected_day is not None),
            contact=contact,
            symptoms=tuple(answers["symptoms"]),
            symptoms_day=date.fromisoformat(answers["symptoms_on"]),
        ),
        schemes=tuple(each for each in answers["schemes"] if each in schemes),
        answers=dict(answers),
        corrected_day=corrected_day,
    )


def _stays(answers: Mapping[str, Any], today: date, *, whole: bool) -> tuple[Stay, ...]:
    """Those that reach into the window; a correction speaks about an earlier one, too."""
    stays = (
        Stay(date.fromisoformat(each["from"]), date.fromisoformat(each["to"]), each["place"])
        for each in answers["stays"]
    )
    return tuple(stay for stay in stays if whole or stay.end >= window(today)[0])


def _journeys(answers: Mapping[str, Any], today: date, *, whole: bool) -> tuple[Journey, ...]:
    journeys = (
        Journey(each["mode"], date.fromisoformat(each["day"]), each["from"], each["to"], each["number"])
        for each in answers["journeys"]
    )
    return tuple(journey for journey in journeys if whole or journey.day >= window(today)[0])
