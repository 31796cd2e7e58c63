"""Who is logged in, for whom they speak, and what is still missing; consent."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from bot.core.model import Identity
from bot.notices.ledger import wake_person
from bot.services.codes import missing_of
from bot.services.consent import CONSENT_VERSION, GIVEN, note_consent, withdraw
from bot.store.snapshot import Resident
from handlers.http.api.bodies import Sent, Told
from handlers.http.api.calls import Call
from handlers.http.api.logins import Consent

_SHOWN_LENGTH = 3
_MISSING_KINDS = {"risk": "risk_level"}

Missing = Literal[
    "consent", "declaration", "identity", "home", "report", "rule_book", "risk_level", "punch_in_today"
]


class Someone(Told):
    """Oneself, or a member for whom one reports. The name is masked, and numbers are never shown."""

    id: str = Field(pattern="^[0-9]{1,19}$", description="Names this person in other calls.", examples=["81"])
    oneself: bool
    name: str = Field(examples=["李**"])
    identity: Literal["none", "claimed", "verified"]
    declared_at: datetime | None
    last_punch_in: date | None
    missing: list[Missing] = Field(description="What this person's codes still need.")


class Me(Told):
    """The account, and everybody for whom it speaks, oneself first."""

    platform: str = Field(examples=["wechat_mini"])
    language: Literal["zh", "en"]
    consent: Consent
    missing: list[Missing] = Field(description="What is to be done before anything else works.")
    people: list[Someone]


class ConsentTold(Told):
    """Where consent stands, and the text that is agreed to, in the language of the call."""

    consent: Consent
    version: str = Field(examples=[CONSENT_VERSION])
    text: str


class ConsentSaid(Sent):
    """The answer to the text of consent."""

    agree: bool


async def show_me(call: Call) -> Me:
    """Who this is; before consent nothing but that it is missing."""
    ctx = call.ctx
    agreed = ctx.account.consent == GIVEN
    people = [_someone(call, resident) for resident in ctx.residents] if agreed else []
    missing: list[Missing] = [] if agreed else ["consent"]
    if agreed and ctx.resident is None:
        missing.append("declaration")
    return Me.model_validate(
        {
            "platform": ctx.account.channel,
            "language": call.session.language,
            "consent": ctx.account.consent,
            "missing": missing,
            "people": people,
        }
    )


def _someone(call: Call, resident: Resident) -> Someone:
    keys, name = call.ctx.world.keys, ""
    if resident.name_sealed is not None:
        name = masked_name(keys.open("residents.name", resident.name_sealed))
    return Someone.model_validate(
        {
            "id": str(resident.resident_id),
            "oneself": resident is call.ctx.resident,
            "name": name,
            "identity": resident.identity.value,
            "declared_at": resident.declared_at,
            "last_punch_in": resident.last_punch_in,
            "missing": _missing(call, resident),
        }
    )


def masked_name(name: str) -> str:
    """The first character; of the others only that there are some."""
    return name[:1] + "*" * min(len(name) - 1, _SHOWN_LENGTH)


def _missing(call: Call, resident: Resident) -> list[str]:
    found = [] if resident.declared_at is not None else ["declaration"]
    if resident.identity is not Identity.VERIFIED:
        found.append("identity")
    for code in resident.codes.values():
        found += [missing_kind(each) for each in missing_of(code)]
    if resident.last_punch_in is None or resident.last_punch_in < call.ctx.today:
        found.append("punch_in_today")
    return list(dict.fromkeys(found))


def missing_kind(missing: str) -> str:
    """What an assessment misses, without the division that an unknown risk level is of."""
    name = missing.partition(":")[0]
    return _MISSING_KINDS.get(name, name)


async def show_consent(call: Call) -> ConsentTold:
    """The text, and whether it was agreed to."""
    return ConsentTold.model_validate(
        {
            "consent": call.ctx.account.consent,
            "version": CONSENT_VERSION,
            "text": call.ctx.say("welcome.consent"),
        }
    )


async def answer_consent(call: Call) -> ConsentTold:
    """Take a yes; a no, or after a yes its withdrawal, which also forgets what was being talked about."""
    account, work = call.ctx.account, call.ctx.work
    agreed = account.consent == GIVEN
    if call.body.agree and not agreed:
        note_consent(work, account, GIVEN)
        wake_person(work, account.person_id)
    if not call.body.agree and account.consent not in ("refused", "withdrawn"):
        if agreed:
            await withdraw(work, call.ctx.database, account)
        else:
            note_consent(work, account, "refused")
        work.delete("dialogues", {"account_id": account.id})
    return await show_consent(call)
