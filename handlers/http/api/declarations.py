"""The declaration through the front end: all of it at once, by the rules of the chat, every wrong field named."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.services import declarations
from bot.services.certificates import masked_certificate, masked_phone
from bot.services.declaration_rules import (
    LONGEST_ADDRESS,
    LONGEST_DISEASE,
    LONGEST_NAME,
    MOST_JOURNEYS,
    MOST_STAYS,
)
from bot.services.declared_answers import declared_from
from bot.store.database import instant
from handlers.http.api.bodies import Day, Sent, Told
from handlers.http.api.calls import Call
from handlers.http.api.codes import CodeTold, code_told
from handlers.http.api.declared_fields import Answers, answers_of
from handlers.http.api.problems import Problem, invalid
from handlers.http.api.punch_ins import Symptom

Division = Annotated[
    str, Field(pattern="^[0-9]{2,12}$", description="GB/T 2260, unpadded.", examples=["420106"])
]
Said = Literal["no", "yes", "unsure"]
Kind = Literal["id_card", "passport", "hk_macau_permit", "taiwan_permit"]
_BEFORE = "Left out: as in the last declaration."


class CertificateSaid(Sent):
    """A document of identity."""

    kind: Kind
    number: str = Field(min_length=1, max_length=40, examples=["420106199003074527"])
    number_is_right: bool = Field(
        False, description="True: taken although its division is not in our list (`certificate_division`)."
    )


class StaySaid(Sent):
    """Days somewhere else than at home, both ends included; at least a city."""

    from_: Day = Field(alias="from", examples=["2020-02-10"])
    to: Day = Field(examples=["2020-02-12"])
    place: Division


class JourneySaid(Sent):
    """One trip, between cities."""

    mode: Literal["flight", "train", "coach", "ship", "car"]
    day: Day = Field(examples=["2020-02-12"])
    from_: Division = Field(alias="from")
    to: Division
    number: str = Field("", max_length=12, description="Of a flight or train, if known.", examples=["G518"])


class NewDeclaration(Sent):
    """A whole declaration, or with `corrects` the last one put right."""

    name: str | None = Field(None, max_length=LONGEST_NAME, description=_BEFORE, examples=["李小梅"])
    certificate: CertificateSaid | None = Field(None, description=_BEFORE)
    phone: str | None = Field(
        None,
        max_length=24,
        description=f"Empty: none, for minors only. {_BEFORE}",
        examples=["13900000001"],
    )
    division: Division | None = Field(None, description=f"Where one lives, at least a county. {_BEFORE}")
    address: str | None = Field(
        None, max_length=LONGEST_ADDRESS, description=_BEFORE, examples=["和平路1号3栋2单元501"]
    )
    stays: list[StaySaid] = Field(max_length=MOST_STAYS, examples=[[]])
    journeys: list[JourneySaid] = Field(max_length=MOST_JOURNEYS, examples=[[]])
    case_contact: Said = Field(description="Contact with a case in the last fourteen days.", examples=["no"])
    case_contact_day: Day | None = Field(None, description="Left out: forgotten, or there was none.")
    risk_contact: Said | None = Field(
        None, description="With people from risk areas; not asked of minors.", examples=["no"]
    )
    symptoms: list[Symptom] = Field(max_length=20, description="Those of today.", examples=[[]])
    diseases: list[Annotated[str, Field(min_length=2, max_length=LONGEST_DISEASE)]] | None = Field(
        None,
        max_length=10,
        description="hypertension, diabetes, heart, lung, kidney, immune, or others in words; not asked of "
        f"minors. {_BEFORE}",
        examples=[[]],
    )
    schemes: list[Annotated[str, Field(max_length=32)]] = Field(
        min_length=1, max_length=40, description="The codes that one uses.", examples=[["hubei", "wuhan"]]
    )
    corrects: bool = Field(False, description="Puts the last declaration right instead of adding a day.")


class Declared(Told):
    """What became of a declaration."""

    receipt: str = Field(examples=["D200220-7K3Q9XAB-47"])
    revision: int
    person: str = Field(pattern="^[0-9]{1,19}$")
    identity: Literal["verified", "mismatch", "taken", "unavailable", "too_many"]
    codes: list[CodeTold]


class StayTold(Told):
    """A stay as it was declared."""

    from_: date = Field(serialization_alias="from", validation_alias="from")
    to: date
    place: str


class JourneyTold(Told):
    """A journey as it was declared."""

    mode: str
    day: date
    from_: str = Field(serialization_alias="from", validation_alias="from")
    to: str
    number: str


class CurrentDeclaration(Told):
    """The last declaration. Numbers are masked; leave such fields out to keep them."""

    receipt: str
    revision: int
    submitted_at: datetime
    name: str
    certificate_kind: Kind
    certificate_number: str = Field(description="Masked.", examples=["420106********4527"])
    phone: str = Field(description="Masked; empty: none.", examples=["139****0001"])
    division: str
    address: str
    stays: list[StayTold]
    journeys: list[JourneyTold]
    case_contact: Said
    case_contact_day: date | None
    risk_contact: Said | None
    symptoms: list[str]
    symptoms_on: date
    diseases: list[str] | None
    schemes: list[str]


async def declare(call: Call) -> Declared:
    """Take a declaration with all that follows from it."""
    ctx, body = call.ctx, call.body
    earlier = await _earlier(call)
    if body.corrects and not earlier:
        raise Problem("declare_first")
    answers, wrong = answers_of(ctx, body, earlier)
    if wrong:
        raise invalid(*wrong)
    corrected = date.fromisoformat(earlier["symptoms_on"]) if body.corrects else None
    submitted = await declarations.submit(
        ctx.world,
        ctx.work,
        ctx.database,
        account=ctx.account,
        resident=ctx.resident,
        declared=declared_from(answers, today=ctx.today, schemes=ctx.world.schemes, corrected_day=corrected),
    )
    resident = submitted.resident
    return Declared.model_validate(
        {
            "receipt": submitted.receipt,
            "revision": submitted.revision,
            "person": str(resident.resident_id),
            "identity": submitted.identity.value,
            "codes": [code_told(call, resident, code) for code in resident.codes.values()],
        }
    )


async def _earlier(call: Call) -> Answers:
    resident = call.ctx.resident
    if resident is None:
        return {}
    earlier = await declarations.latest(call.ctx.world, call.ctx.database, resident.resident_id)
    return earlier.answers if earlier is not None else {}


async def show_declaration(call: Call) -> CurrentDeclaration:
    """The last declaration of oneself."""
    ctx, resident = call.ctx, call.ctx.resident
    rows = (
        await ctx.database.fetch(
            "SELECT receipt, revision, submitted_at, answers_sealed FROM declarations WHERE resident_id = ?"
            " ORDER BY revision DESC LIMIT 1",
            [resident.resident_id],
        )
        if resident is not None
        else ()
    )
    if not rows:
        raise Problem("not_found")
    receipt, revision, submitted_at, sealed = rows[0]
    answers: dict[str, Any] = ctx.world.keys.open_json(declarations.ANSWERS, sealed)
    shown = {name: answers.get(name) for name in CurrentDeclaration.model_fields if name in answers}
    return CurrentDeclaration.model_validate(
        {
            **shown,
            "receipt": receipt,
            "revision": revision,
            "submitted_at": instant(submitted_at),
            "certificate_number": masked_certificate(answers["certificate_number"]),
            "phone": masked_phone(answers["phone"]) if answers["phone"] else "",
            "case_contact_day": answers.get("case_contact_day") or None,
            "risk_contact": answers.get("risk_contact"),
            "diseases": answers.get("diseases"),
        }
    )
