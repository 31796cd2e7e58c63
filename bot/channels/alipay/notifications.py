"""Alipay's notifications about the app itself: who withdrew an authorisation, what a review said.

None of them changes anything here: they are verified, understood as far as their count needs it, and acknowledged,
because one that isn't comes again for a day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.channels.alipay.form import Form
from bot.channels.alipay.messages import instant
from bot.errors import Refused

# A withdrawn authorisation ends the platform's tokens, which aren't kept here; the person may still write, and
# whether something may be sent is the platform's answer to the next attempt.
KINDS: Mapping[str, str] = {
    "alipay.open.auth.userauth.cancelled": "notification_userauth_cancelled",
    "alipay.open.auth.appauth.cancelled": "notification_appauth_cancelled",
    "alipay.open.mini.version.audit.passed": "notification_version_passed",
    "alipay.open.mini.version.audit.rejected": "notification_version_rejected",
}
OTHER = "notification_other"
_NOTIFY_ID = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification: `key` is the same for every delivery of it, `kind` a name from a closed list, `app_id`
    the one that its content names, "" if it names none."""

    key: str
    kind: str
    app_id: str
    sent_at: datetime | None


def read_notification(form: Form, content: str) -> Notification:
    """Understand one notification, whose decrypted content is given; Refused if it isn't whole."""
    notify_id = form.text("notify_id")
    if _NOTIFY_ID.fullmatch(notify_id) is None:
        raise Refused("missing_notify_id")
    values = _object(content)
    sent = form.text("utc_timestamp")
    app_id = values.get("app_id", "")
    return Notification(
        key=f"n:{notify_id}",
        kind=KINDS.get(form.text("msg_method"), OTHER),
        app_id=app_id if isinstance(app_id, str) else "",
        sent_at=instant(sent) if sent else None,
    )


def _object(content: str) -> Mapping[str, Any]:
    try:
        values = json.loads(content) if content else {}
    except (ValueError, RecursionError) as error:
        raise Refused("malformed_json") from error
    if not isinstance(values, dict):
        raise Refused("malformed_json")
    return values
