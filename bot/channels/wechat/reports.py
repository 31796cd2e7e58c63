"""What WeChat tells about notices: who agreed to them, and what became of those that were sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.message import Consent, Delivery, Kind

Fields = Mapping[str, str]
Lists = Callable[[], Sequence[Fields]]

LONGEST_ID = 64
_GIVEN = {
    "accept": True,
    "acceptwithaudio": True,
    "acceptwithalert": True,
    "reject": False,
    "ban": False,
    "filter": False,
}
_STATUSES = {"success": "", "failed:userblock": "user_block", "failed:systemfailed": "system_failed"}
_CODE_FORM = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Report:
    """One report; `told_apart` is what no other report of the same event shares with it."""

    kind: Kind
    told_apart: tuple[str, ...]
    consents: tuple[Consent, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


def no_lists() -> Sequence[Fields]:
    """For a message that can't have lists."""
    return ()


def _read_consents(fields: Fields, lists: Lists) -> Report | None:
    """What was answered to each template; None if nothing in it is understood."""
    answers = [(_id(item, "TemplateId"), item.get("SubscribeStatusString", "").strip()) for item in lists()]
    consents = tuple(
        Consent(template, _GIVEN[status.lower()])
        for template, status in answers
        if template and status.lower() in _GIVEN
    )
    if not consents:
        return None
    answered = (text for answer in answers for text in answer)
    return Report(
        Kind.SUBSCRIPTION, (fields["FromUserName"], fields["CreateTime"], *answered), consents=consents
    )


def _read_sent(fields: Fields, lists: Lists) -> Report | None:
    """What became of subscription messages."""
    return _deliveries([_sent(item) for item in lists()])


def _sent(item: Fields) -> Delivery | None:
    number, code = _id(item, "MsgID"), item.get("ErrorCode", "").strip()
    if not number or _CODE_FORM.fullmatch(code) is None:
        return None
    arrived = int(code) == 0
    return Delivery(number, arrived, "" if arrived else f"wechat_{int(code)}", _id(item, "TemplateId"))


def _read_job(fields: Fields, lists: Lists) -> Report | None:
    """What became of a template message; the blanks within its status come and go."""
    number, status = _id(fields, "MsgID"), "".join(fields.get("Status", "").split()).lower()
    if not number or not status:
        return None
    reason = _STATUSES.get(status, "other")
    return _deliveries([Delivery(number, not reason, reason)])


def _deliveries(read: Sequence[Delivery | None]) -> Report | None:
    deliveries = tuple(delivery for delivery in read if delivery is not None)
    if not deliveries:
        return None
    return Report(
        Kind.DELIVERY, tuple(delivery.platform_id for delivery in deliveries), deliveries=deliveries
    )


def _id(fields: Fields, name: str) -> str:
    """An id of the platform, "" for one that it would not write."""
    text = fields.get(name, "").strip()
    return text if len(text) <= LONGEST_ID else ""


REPORTS: Mapping[str, Callable[[Fields, Lists], Report | None]] = {
    "subscribe_msg_popup_event": _read_consents,
    "subscribe_msg_change_event": _read_consents,
    "subscribe_msg_sent_event": _read_sent,
    "templatesendjobfinish": _read_job,
}
