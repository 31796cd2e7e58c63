"""What Alipay's APIs know and refuse: codes of a login, followers and windows, templates and their form ids.

Where the documentation names no code for a refusal, the comment says what was assumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock

WINDOWS = {
    "follow": timedelta(minutes=5),
    "click": timedelta(minutes=5),
    "enter": timedelta(days=1),  # one message
    "chat": timedelta(hours=48),
}
EVENT_WINDOWS = {"follow": "follow", "click": "click", "enter_ppchat": "enter"}
CODE_LIFE = timedelta(minutes=3)
FORM_LIFE = timedelta(days=7)
LONGEST_VALUE = 50
LONGEST_DATA = 2048
TOKEN_SECONDS = 3600


class Refusal(Exception):
    """An answer that is an error: code, sub_code, and whether the whole call failed (`error_response`)."""

    def __init__(self, code: str, sub_code: str, *, gateway: bool = False) -> None:
        super().__init__(f"{code} {sub_code}")
        self.code = code
        self.sub_code = sub_code
        self.gateway = gateway


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message that the platform took; for a template its id, form, page and values."""

    at: datetime
    to: str
    text: str = ""
    articles: tuple[Mapping[str, str], ...] = ()
    template_id: str = ""
    form_id: str = ""
    page: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Form:
    user: str
    expires_at: datetime
    used: bool = False


@dataclass(slots=True)
class AlipayApis:
    """The state behind the gateway; `sent` is what arrived at phones, in order."""

    clock: Clock
    open_ids: bool = False  # newer apps are told the open id only
    sent: list[SentMessage] = field(default_factory=list)
    _codes: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _followers: set[str] = field(default_factory=set)
    _windows: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _templates: dict[str, frozenset[str]] = field(default_factory=dict)
    _forms: dict[str, _Form] = field(default_factory=dict)
    _count: int = 0

    # what happens on phones and consoles

    def authorize(self, user: str) -> str:
        """The user opens the front end; it gets this code, good once and for three minutes."""
        code = self._next("code")
        self._codes[code] = (user, self.clock.wire() + CODE_LIFE)
        return code

    def follow(self, user: str) -> None:
        self._followers.add(user)
        self.contact(user, "follow")

    def unfollow(self, user: str) -> None:
        self._followers.discard(user)

    def contact(self, user: str, kind: str) -> None:
        """The user does what opens a window: follow, click, enter or chat."""
        self._windows[user, kind] = self.clock.wire() + WINDOWS[kind]

    def add_template(self, template_id: str, *keywords: str) -> None:
        self._templates[template_id] = frozenset(keywords)

    def submit_form(self, user: str) -> str:
        """The user submits a form on a real phone; its id is good once and for seven days."""
        form_id = self._next("form")
        self._forms[form_id] = _Form(user, self.clock.wire() + FORM_LIFE)
        return form_id

    # the APIs

    def oauth_token(self, params: Mapping[str, str], content: Mapping[str, Any]) -> dict[str, Any]:
        """The code stands in the parameters themselves; in the content it isn't seen."""
        if params.get("grant_type") != "authorization_code":
            raise Refusal("40002", "isv.invalid-parameter", gateway=True)
        user, expires_at = self._codes.pop(params.get("code", ""), ("", self.clock.wire()))
        if not user or expires_at <= self.clock.wire():
            raise Refusal("40002", "isv.code-invalid", gateway=True)
        who = {"open_id": user} if self.open_ids else {"user_id": user, "alipay_user_id": f"2013{user}"}
        return {
            **who,
            "access_token": self._next("token"),
            "expires_in": TOKEN_SECONDS,
            "refresh_token": self._next("refresh"),
            "re_expires_in": TOKEN_SECONDS,
            "auth_start": self.clock.wire().strftime("%Y-%m-%d %H:%M:%S"),
        }

    def custom_send(self, params: Mapping[str, str], content: Mapping[str, Any]) -> dict[str, Any]:
        user, text, articles = _read_message(content)
        if user not in self._followers:
            raise Refusal("40004", "PUB.MSG_SD_NOFOLLOW")
        self._spend_window(user, content)
        self.sent.append(SentMessage(self.clock.wire(), user, text, articles))
        return {}

    def template_send(self, params: Mapping[str, str], content: Mapping[str, Any]) -> dict[str, Any]:
        user = _required(content, _address(content, "to_open_id"))
        template_id, form_id = _required(content, "user_template_id"), _required(content, "form_id")
        page, values = _required(content, "page"), _read_values(content)
        # keywords that are not the template's: the documents only say that they must match
        if frozenset(values) != self._templates.get(template_id):
            raise Refusal("40004", "USER_TEMPLATE_ILLEGAL")
        if any(len(value) > LONGEST_VALUE for value in values.values()):
            raise Refusal("40004", "USER_KEYWORD_LENGTH_ERROR")
        self._spend_form(form_id, user)
        self.sent.append(
            SentMessage(
                self.clock.wire(), user, template_id=template_id, form_id=form_id, page=page, values=values
            )
        )
        return {}

    def _spend_window(self, user: str, content: Mapping[str, Any]) -> None:
        kind = EVENT_WINDOWS.get(content.get("event_type", "")) or (
            "chat" if content.get("chat") == "1" else ""
        )
        for each in [kind] if kind else WINDOWS:
            if self._windows.get((user, each), self.clock.wire()) > self.clock.wire():
                if each == "enter":
                    del self._windows[user, each]
                return
        raise Refusal("40004", "MSG_SD_OVER_TIME")

    def _spend_form(self, form_id: str, user: str) -> None:
        form = self._forms.get(form_id)
        if form is None or form.user != user:
            raise Refusal("40004", "FORM_ID_NOT_MATCH_APPID")
        # no code of its own is documented for a form that was used
        if form.used or form.expires_at <= self.clock.wire():
            raise Refusal("40004", "FORM_ID_OVER_TIME")
        form.used = True

    def _next(self, what: str) -> str:
        self._count += 1
        return f"{what}-{self._count:06d}"


def _address(content: Mapping[str, Any], open_id: str) -> str:
    """The name under which the recipient stands: newer apps know an open id only."""
    return open_id if content.get(open_id) else "to_user_id"


def _required(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal("40002", "isv.invalid-parameter")
    return value


def _read_message(content: Mapping[str, Any]) -> tuple[str, str, tuple[Mapping[str, str], ...]]:
    user, kind = _required(content, _address(content, "open_id")), _required(content, "msg_type")
    if kind == "text":
        return user, _required(content.get("text") or {}, "content"), ()
    if kind == "image-text" and content.get("articles"):
        return user, "", tuple({str(k): str(v) for k, v in each.items()} for each in content["articles"])
    raise Refusal("40002", "isv.invalid-parameter")


def _read_values(content: Mapping[str, Any]) -> dict[str, str]:
    """The values of a template. Documented as a string of JSON; SDK examples also give the object itself."""
    data = content.get("data")
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    if len(text) > LONGEST_DATA:
        raise Refusal("40002", "isv.invalid-parameter")
    try:
        return {str(name): str(each["value"]) for name, each in json.loads(text).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Refusal("40002", "isv.invalid-parameter") from None
