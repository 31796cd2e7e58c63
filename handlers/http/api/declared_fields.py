"""From the body of a declaration to answers as the chat keeps them, by the same rules; or everything that is wrong."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from bot.clock import resident_day
from bot.conversation.context import Context
from bot.conversation.understanding.divisions import unpadded
from bot.conversation.understanding.places import Places
from bot.core.facts import SYMPTOMS
from bot.errors import BadRequest
from bot.services.certificates import Certificate, CertificateKind, check_certificate, check_phone, is_minor
from bot.services.declaration_rules import (
    DISEASES,
    KEPT,
    address_problem,
    contact_problem,
    is_name,
    journey_number,
    journey_problem,
    leads_nowhere,
    stay_problem,
)
from handlers.http.api.problems import Wrong

if TYPE_CHECKING:
    from handlers.http.api.declarations import JourneySaid, NewDeclaration, StaySaid

Answers = dict[str, Any]
_CITY, _COUNTY = 4, 6


def answers_of(ctx: Context, body: NewDeclaration, earlier: Answers) -> tuple[Answers, list[Wrong]]:
    """The answers, and all that is wrong with them; they are whole only if nothing is."""
    return _Reading(ctx, body, earlier).read()


class _Reading:
    """One body being read: `answers` grow, and so does what is wrong."""

    def __init__(self, ctx: Context, body: NewDeclaration, earlier: Answers) -> None:
        self._ctx = ctx
        self._body = body
        self._today = resident_day(ctx.now, ctx.zone)
        self._corrected: Answers = earlier if body.corrects else {}
        self._answers: Answers = {slot: earlier[slot] for slot in KEPT if slot in earlier}
        self._wrong: list[Wrong] = []

    def read(self) -> tuple[Answers, list[Wrong]]:
        self._name()
        minor = self._certificate()
        self._phone(minor=minor)
        self._home()
        self._answers["stays"] = [self._stay(f"stays/{n}", each) for n, each in enumerate(self._body.stays)]
        self._answers["journeys"] = [
            self._journey(f"journeys/{n}", each) for n, each in enumerate(self._body.journeys)
        ]
        self._contacts(minor=minor)
        self._health(minor=minor)
        self._schemes()
        return self._answers, self._wrong

    def _refuse(self, field: str, reason: str | None) -> None:
        if reason is not None:
            self._wrong.append(Wrong(field, reason))

    def _kept(self, field: str, *slots: str) -> None:
        """A field that was left out is as it was, if it was."""
        self._refuse(field, None if all(slot in self._answers for slot in slots) else "missing")

    # -- the person ------------------------------------------------------------------------------------------

    def _name(self) -> None:
        if self._body.name is None:
            return self._kept("name", "name")
        name = unicodedata.normalize("NFKC", self._body.name).strip()
        self._refuse("name", None if is_name(name) else "name_unclear")
        self._answers["name"] = name
        return None

    def _certificate(self) -> bool:
        """The document; returns whether it says that somebody is a minor."""
        said = self._body.certificate
        if said is None:
            self._kept("certificate", "certificate_kind", "certificate_number")
            return self._is_minor(self._known_certificate())
        divisions = None if said.number_is_right else self._ctx.places
        try:
            found = check_certificate(said.kind, said.number, today=self._today, divisions=divisions)
        except BadRequest as error:
            self._refuse("certificate/number", error.reason)
            return False
        self._answers |= {"certificate_kind": found.kind.value, "certificate_number": found.number}
        return self._is_minor(found)

    def _known_certificate(self) -> Certificate | None:
        if "certificate_number" not in self._answers:
            return None
        kind, number = self._answers["certificate_kind"], self._answers["certificate_number"]
        return check_certificate(CertificateKind(kind), number, today=self._today)

    def _is_minor(self, certificate: Certificate | None) -> bool:
        birth = None if certificate is None else certificate.birth
        return birth is not None and is_minor(birth, self._today)

    def _phone(self, *, minor: bool) -> None:
        if self._body.phone is None:
            return self._kept("phone", "phone")
        if not self._body.phone.strip():
            self._refuse("phone", None if minor else "phone_needed")
            self._answers["phone"] = ""
            return None
        try:
            self._answers["phone"] = check_phone(self._body.phone)
        except BadRequest as error:
            self._refuse("phone", error.reason)
        return None

    # -- places and days -------------------------------------------------------------------------------------

    def _home(self) -> None:
        moved = False
        if self._body.division is None:
            self._kept("division", "division")
        else:
            place = self._place("division", self._body.division, digits=_COUNTY)
            moved = place[:_COUNTY] != self._answers.get("division", place)[:_COUNTY]
            self._answers["division"] = place
        if self._body.address is None:
            # an address within another county isn't the same one
            return self._refuse("address", "missing") if moved else self._kept("address", "address")
        address = " ".join(self._body.address.split())
        name = self._ctx.places.name(self._answers.get("division", "")[:_COUNTY])
        problem = address_problem(address, name) if address.isprintable() else "wrong_format"
        self._refuse("address", problem)
        self._answers["address"] = address
        return None

    def _place(self, field: str, code: str, *, digits: int) -> str:
        plain = unpadded(code)
        if not self._ctx.places.known(plain):
            self._refuse(field, "place_unknown")
        elif not is_deep(self._ctx.places, plain, digits):
            self._refuse(field, "place_too_wide")
        return plain

    def _stay(self, field: str, said: StaySaid) -> Answers:
        place = self._place(f"{field}/place", said.place, digits=_CITY)
        stay = {"from": said.from_.isoformat(), "to": said.to.isoformat(), "place": place}
        if said.from_ > said.to:
            self._refuse(f"{field}/to", "before_its_beginning")
        elif stay not in self._corrected.get("stays", ()):
            self._refuse(f"{field}/from", stay_problem(said.from_, said.to, self._today))
        return stay

    def _journey(self, field: str, said: JourneySaid) -> Answers:
        origin = self._place(f"{field}/from", said.from_, digits=_CITY)
        destination = self._place(f"{field}/to", said.to, digits=_CITY)
        if leads_nowhere(said.mode, origin, destination):
            self._refuse(f"{field}/to", "same_place")
        number = journey_number(said.mode, said.number) if said.number.strip() else ""
        self._refuse(f"{field}/number", "wrong_format" if number is None else None)
        day = said.day.isoformat()
        journey = {"mode": said.mode, "day": day, "from": origin, "to": destination, "number": number or ""}
        if journey not in self._corrected.get("journeys", ()):
            self._refuse(f"{field}/day", journey_problem(said.day, self._today))
        return journey

    # -- health ----------------------------------------------------------------------------------------------

    def _contacts(self, *, minor: bool) -> None:
        self._answers["case_contact"] = self._body.case_contact
        day: date | None = self._body.case_contact_day
        if day is not None and self._body.case_contact == "no":
            self._refuse("case_contact_day", "contradicts")
        elif day is not None:
            self._refuse("case_contact_day", contact_problem(day, self._today))
        if self._body.case_contact != "no":
            self._answers["case_contact_day"] = "" if day is None else day.isoformat()
        if minor:
            self._refuse("risk_contact", None if self._body.risk_contact is None else "not_of_minors")
        elif self._body.risk_contact is None:
            self._refuse("risk_contact", "missing")
        else:
            self._answers["risk_contact"] = self._body.risk_contact

    def _health(self, *, minor: bool) -> None:
        said = set(self._body.symptoms)
        self._answers["symptoms"] = [code for code in SYMPTOMS if code in said]
        # what a correction says of symptoms is of the day that it corrects
        self._answers["symptoms_on"] = self._corrected.get("symptoms_on", self._today.isoformat())
        if minor:
            self._answers.pop("diseases", None)
            return self._refuse("diseases", None if not self._body.diseases else "not_of_minors")
        if self._body.diseases is None:
            return self._kept("diseases", "diseases")
        named = dict.fromkeys(" ".join(each.split()) for each in self._body.diseases)
        for number, each in enumerate(named):
            short = each not in DISEASES and (len(each) < 2 or not each.isprintable())
            self._refuse(f"diseases/{number}", "wrong_format" if short else None)
        self._answers["diseases"] = list(named)
        return None

    def _schemes(self) -> None:
        known: Mapping[str, object] = {scheme.id: scheme for scheme in self._ctx.world.schemes}
        for number, each in enumerate(self._body.schemes):
            self._refuse(f"schemes/{number}", None if each in known else "not_one_of")
        self._answers["schemes"] = [each for each in known if each in self._body.schemes]


def is_deep(places: Places, code: str, digits: int) -> bool:
    """Whether a division is at least so many digits deep, or as deep as it goes."""
    children = places.children(code)
    return len(code) >= digits or not children or (digits == _CITY and len(children[0].code) == _COUNTY)
