"""Whether reminders can reach a person, how many are left, when they rest, and what the platform's dialog said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.channels.names import ALIPAY, MINI
from bot.conversation.due_words import ask_due, clock_words, reason_in_words
from bot.conversation.reminder_settings import read_settings, reminder_hours
from bot.conversation.told import FORM_CONTEXT
from bot.notices import ledger
from bot.notices.due import Due, NotDue
from bot.notices.kinds import KINDS
from bot.notices.quiet_hours import QUIET_FROM, QUIET_UNTIL
from bot.notices.reachability import Channel, Question, Unreachable
from bot.store.ids import new_id
from handlers.http.api.bodies import Sent, Told
from handlers.http.api.calls import Call
from handlers.http.api.notices import reason_words
from handlers.http.api.problems import Problem, Wrong, invalid

ASKED = "asked"
"""The reason of an entry that only says what the dialog showed: it changes no balance."""
FORM_LASTS = timedelta(days=7)
_ASKS = ("colour_changed", "asked_first", "punch_in_reminder")
_HOUR = 60

Clock = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]


class Obstacle(Told):
    """Why one way is closed, or all of them."""

    reason: str
    text: str
    channel: str
    until: datetime | None


class Reaches(Told):
    """Whether a notice of one kind could reach the person now."""

    kind: str
    reachable: bool
    channel: str = Field(description="Over which it would go; empty if over none.")
    way: Literal["simulator", "customer_service", "subscription", "template", ""]
    again_at: datetime | None = Field(description="When time alone opens a way; null: only an event does.")
    obstacles: list[Obstacle]


class RemindersLeft(Told):
    """How many reminders of one kind one account still allows; null: as many as there are."""

    channel: str
    kind: str
    standing: Literal["none", "once", "always", "refused", "banned", "form"]
    left: int | None


class ReminderReason(Told):
    """Why no reminder comes today, or not now."""

    reason: str
    text: str


class DailyReminder(Told):
    """The daily reminder to report, as it is set and as it stands today."""

    at: Clock = Field(description="On the person's own wall clock.")
    own: bool = Field(description="Chosen by the person; else it is the community's.")
    second_at: Clock | None = Field(description="The gentle second one, the last of the day; null: none.")
    days: Literal["all", "workdays", "none"]
    zone: str = Field(examples=["Asia/Shanghai"])
    due: bool = Field(description="Whether there is a report to remind of today.")
    reasons: list[ReminderReason]


class Reachable(Told):
    """Reminders of oneself. `reminder` is null before a declaration."""

    kinds: list[Reaches]
    reminder: DailyReminder | None
    left: list[RemindersLeft]
    quiet_from: Clock
    quiet_until: Clock


class QuietHours(Sent):
    """When nobody is to be disturbed; both null: the usual hours; both the same: never quiet."""

    from_: Clock | None = Field(alias="from", examples=["22:00"])
    until: Clock | None = Field(examples=["07:00"])


class QuietHoursTold(Told):
    """The hours as they are now."""

    quiet_from: Clock
    quiet_until: Clock


class DialogResult(Sent):
    """What the platform's dialog said about one template."""

    template_id: str = Field(min_length=1, max_length=64, pattern="^[!-~]+$", examples=["a1B2c3D4e5F6"])
    result: Literal["accept", "reject", "ban", "filter"]


class NewSubscriptions(Sent):
    """WeChat: `results` of the subscribe dialog. Alipay: the `form_id` of a submitted form."""

    results: list[DialogResult] = Field(default_factory=list, max_length=3)
    form_id: str | None = Field(None, min_length=1, max_length=256, pattern="^[!-~]+$")


class Subscriptions(Told):
    """What was taken down. On WeChat only the platform's own event counts; it comes by itself."""

    asked: list[str] = Field(description="The kinds of notice that were asked for.")
    form_until: datetime | None = Field(description="Until when the form allows one reminder.")


async def show_reachability(call: Call) -> Reachable:
    """Whether the usual notices could reach this person now, and how many are left."""
    ctx = call.ctx
    person = ctx.account.person_id
    questions = [Question(person, kind) for kind in _ASKS if kind in KINDS]
    answers = await ctx.reachability.reach_many(ctx.database, questions, ctx.now)
    left = await ctx.reachability.left(person, ctx.now)
    hours = await _hours(call)
    return Reachable.model_validate(
        {
            "kinds": [
                _reaches(call, question.kind, answer)
                for question, answer in zip(questions, answers, strict=True)
            ],
            "left": [
                {name: getattr(each, name) for name in RemindersLeft.model_fields} for each in left.reminders
            ],
            "reminder": await _reminder(call),
            **_shown(*hours),
        }
    )


async def _reminder(call: Call) -> dict[str, Any] | None:
    """What chat shows and says about it, by the same table and the same words."""
    ctx = call.ctx
    if ctx.resident is None or ctx.resident.declared_at is None:
        return None
    settings = await read_settings(ctx)
    minute, second = reminder_hours(ctx, settings)
    due = await ask_due(ctx)
    reasons = due.reasons if isinstance(due, NotDue) else due.notes
    return {
        "at": clock_words(minute),
        "own": settings.minute is not None,
        "second_at": None if second is None else clock_words(second),
        "days": settings.days,
        "zone": ctx.resident.zone,
        "due": isinstance(due, Due),
        "reasons": [
            {"reason": reason, "text": reason_in_words(ctx, reason, at=clock_words(minute))}
            for reason in reasons
        ],
    }


def _reaches(call: Call, kind: str, answer: Channel | Unreachable) -> dict[str, Any]:
    if isinstance(answer, Channel):
        way = {"reachable": True, "channel": answer.channel, "way": answer.way.value}
        return {"kind": kind, **way, "again_at": None, "obstacles": []}
    obstacles = [
        {
            "reason": each.reason,
            "text": reason_words(call, each.reason),
            "channel": each.channel,
            "until": each.until,
        }
        for each in answer.reasons
    ]
    none = {"reachable": False, "channel": "", "way": ""}
    return {"kind": kind, **none, "again_at": answer.again_at, "obstacles": obstacles}


async def _hours(call: Call) -> tuple[int | None, int | None]:
    resident = call.ctx.resident
    if resident is None:
        return None, None
    rows = await call.ctx.database.fetch(
        "SELECT quiet_from, quiet_until FROM residents WHERE resident_id = ?", [resident.resident_id]
    )
    return rows[0][0], rows[0][1]


def _shown(quiet_from: int | None, quiet_until: int | None) -> dict[str, str]:
    return {
        "quiet_from": _clock(QUIET_FROM if quiet_from is None else quiet_from),
        "quiet_until": _clock(QUIET_UNTIL if quiet_until is None else quiet_until),
    }


def _clock(minutes: int) -> str:
    return f"{minutes // _HOUR:02}:{minutes % _HOUR:02}"


def _minutes(clock: str | None) -> int | None:
    return None if clock is None else int(clock[:2]) * _HOUR + int(clock[3:])


async def set_quiet_hours(call: Call) -> QuietHoursTold:
    """Choose one's own quiet hours; notices that wait for their end are looked at again."""
    ctx, body = call.ctx, call.body
    if ctx.resident is None:
        raise Problem("declare_first")
    if (body.from_ is None) != (body.until is None):
        raise invalid(Wrong("until" if body.until is None else "from", "missing"))
    hours = _minutes(body.from_), _minutes(body.until)
    key = {"resident_id": ctx.resident.resident_id}
    ctx.work.update("residents", key, quiet_from=hours[0], quiet_until=hours[1])
    ledger.wake_person(ctx.work, ctx.account.person_id, ["quiet_hours"])
    return QuietHoursTold(**_shown(*hours))


async def subscribe(call: Call) -> Subscriptions:
    """Take down what the platform's dialog said, or keep a submitted form."""
    body = call.body
    if bool(body.results) == (body.form_id is not None):
        raise invalid(Wrong("results", "one_of_both"))
    if body.form_id is not None:
        return _keep_form(call, body.form_id)
    ctx = call.ctx
    if ctx.account.channel != MINI:
        raise invalid(Wrong("results", "other_platform"))
    kinds = [ctx.template_kinds.get((MINI, each.template_id)) for each in body.results]
    unknown = [number for number, kind in enumerate(kinds) if kind is None]
    if unknown:
        raise invalid(*(Wrong(f"results/{number}/template_id", "not_offered") for number in unknown))
    asked = dict.fromkeys(kind for kind in kinds if kind is not None)
    for kind in asked:
        _enter(call, kind)
    return Subscriptions(asked=list(asked), form_until=None)


def _enter(call: Call, kind: str) -> None:
    ctx = call.ctx
    row = {"account_id": ctx.account.id, "kind": kind, "change": 0, "reason": ASKED, "at": ctx.now}
    ctx.work.insert("subscription_entries", id=new_id(), **row)


def _keep_form(call: Call, form_id: str) -> Subscriptions:
    ctx = call.ctx
    if ctx.account.channel != ALIPAY:
        raise invalid(Wrong("form_id", "other_platform"))
    until = call.api.clock.wire() + FORM_LASTS
    ctx.work.insert(
        "form_tokens",
        id=new_id(),
        account_id=ctx.account.id,
        form_sealed=ctx.world.keys.seal(FORM_CONTEXT, form_id),
        expires_at=until,
    )
    ledger.wake_person(ctx.work, ctx.account.person_id)
    return Subscriptions(asked=[], form_until=until)
