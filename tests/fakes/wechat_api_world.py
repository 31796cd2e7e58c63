"""What the fake WeChat platform knows: its apps, the people who use them, and what each of them really received."""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tests.fakes.wechat_api_tokens import Tokens

Kind = Literal["custom", "subscription", "template"]
Happening = Literal["message", "enter", "follow", "scan", "click"]
BEIJING_SECONDS = 8 * 3600
DAY_SECONDS = 24 * 3600
WINDOW_SECONDS, WINDOW_COUNT = 48 * 3600, 5
MOMENT_SECONDS = 60
MOMENT_COUNT = {"official": 3, "mini": 2}
MOMENTS: dict[str, frozenset[Happening]] = {
    "official": frozenset({"follow", "scan", "click"}),
    "mini": frozenset({"enter"}),
}
CODE_SECONDS = 300
CLEARS_A_MONTH = 10
DAILY_LIMITS = {"/cgi-bin/token": 2000, "/cgi-bin/message/template/send": 100_000}


class Refusal(Exception):
    """The platform says no; `more` stands beside errcode and errmsg."""

    def __init__(self, errcode: int, errmsg: str = "", **more: Any) -> None:
        super().__init__(errcode)
        self.errcode = errcode
        self.errmsg = errmsg
        self.more = more


@dataclass(frozen=True, slots=True)
class Received:
    """One message on one person's phone; `content` is the body without whom it was for."""

    app_id: str
    openid: str
    kind: Kind
    content: Mapping[str, Any]
    at: datetime
    msgid: int


@dataclass(frozen=True, slots=True)
class Report:
    """What the platform would push later about one template message."""

    openid: str
    template_id: str
    msgid: int
    arrived: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A template as the console shows it: its fields, and what the enumerated ones may say."""

    template_id: str
    fields: tuple[str, ...]
    choices: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Media:
    """Something that was sent or uploaded: its bytes, or for a video the address to fetch it from."""

    content: bytes = b""
    content_type: str = "image/jpeg"
    video_url: str = ""


@dataclass(slots=True)
class Allowance:
    """How many customer-service messages may still go out, and until when (seconds of the epoch)."""

    until: float
    left: int


@dataclass(slots=True)
class Person:
    """Somebody who has used one app."""

    following: bool = True
    on_black_list: bool = False
    high_risk: bool = False
    rejects_templates: bool = False
    window: Allowance | None = None
    moment: Allowance | None = None
    subscriptions: dict[str, int] = field(default_factory=dict)
    always: set[str] = field(default_factory=set)
    touched_at: float = float("-inf")
    typing_until: float = float("-inf")
    sending: bool = False
    sent_ids: dict[str, tuple[float, int]] = field(default_factory=dict)
    logins: deque[float] = field(default_factory=deque)


@dataclass(slots=True)
class LoginCode:
    """What `wx.login` gave the front end."""

    openid: str
    until: float
    used: bool = False


@dataclass(eq=False)
class App:
    """One official account or mini-program, with its console's settings and its people.

    `allowed_ips` None means that the list is switched off; `pages` None that every page exists.
    `unfollowed_errcode` is what a customer-service message to somebody gone gets: the documents name two.
    """

    app_id: str
    secret: str = field(repr=False)
    kind: Literal["official", "mini"] = "official"
    allowed_ips: frozenset[str] | None = None
    pages: frozenset[str] | None = None
    templates: dict[str, Template] = field(default_factory=dict)
    sensitive_words: frozenset[str] = frozenset()
    forbidden: set[str] = field(default_factory=set)
    subscriptions_banned: bool = False
    secret_frozen: bool = False
    unfollowed_errcode: int = 43004
    daily_limits: dict[str, int] = field(default_factory=lambda: dict(DAILY_LIMITS))
    minute_limits: dict[str, int] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    codes: dict[str, LoginCode] = field(default_factory=dict)
    callback_ips: tuple[str, ...] = ("127.0.0.1", "192.0.2.0/25")
    menu: Mapping[str, Any] | None = None
    tokens: Tokens = field(default_factory=Tokens)
    used_today: Counter[str] = field(default_factory=Counter)
    exhausted: set[str] = field(default_factory=set)
    clears: Counter[str] = field(default_factory=Counter)
    reports: list[Report] = field(default_factory=list)
    _day: int = 0
    _minutes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add_template(self, template_id: str, *fields: str, **choices: Iterable[str]) -> Template:
        """Add a template; `choices` gives the values of its enumerated fields."""
        allowed = {name: frozenset(values) for name, values in choices.items()}
        template = Template(template_id, fields, allowed)
        self.templates[template_id] = template
        return template

    def person(self, openid: str) -> Person:
        """Somebody of this app, made on first use."""
        return self.people.setdefault(openid, Person())

    def happened(self, openid: str, what: Happening, *, at: datetime) -> None:
        """Somebody did something, which renews what may be sent to them."""
        person, now = self.person(openid), at.timestamp()
        person.touched_at = now
        if what == "follow":
            person.following = True
        if what == "message":
            person.window = Allowance(now + WINDOW_SECONDS, WINDOW_COUNT)
        elif what in MOMENTS[self.kind]:
            person.moment = Allowance(now + MOMENT_SECONDS, MOMENT_COUNT[self.kind])

    def unfollow(self, openid: str) -> None:
        """Somebody leaves; their windows close."""
        person = self.person(openid)
        person.following = False
        person.window = person.moment = None

    def accept(self, openid: str, template_id: str, count: int = 1, *, always: bool = False) -> None:
        """Somebody agrees to `count` messages of a template, or to all of them."""
        person = self.person(openid)
        person.subscriptions[template_id] = person.subscriptions.get(template_id, 0) + count
        if always:
            person.always.add(template_id)

    def reject(self, openid: str, template_id: str) -> None:
        """Somebody takes every consent to a template back."""
        person = self.person(openid)
        person.subscriptions.pop(template_id, None)
        person.always.discard(template_id)

    def login_code(self, openid: str, *, at: datetime) -> str:
        """A fresh code as the front end gets it; it works once, for five minutes."""
        self.person(openid)
        code = secrets.token_urlsafe(24)
        self.codes[code] = LoginCode(openid, at.timestamp() + CODE_SECONDS)
        return code

    def exhaust(self, *paths: str) -> None:
        """The daily quota of these paths is used up; without a path, that of every sending one."""
        self.exhausted |= set(paths) or SENDING_PATHS

    def spend_call(self, path: str, now: float) -> None:
        """Count one call; 45009 over the day's limit, 45011 over the minute's."""
        day = int((now + BEIJING_SECONDS) // DAY_SECONDS)
        if day != self._day:
            if self._day:
                self.clear_quota()
            self._day = day
        limit = self.daily_limits.get(path)
        if path in self.exhausted or (limit is not None and self.used_today[path] >= limit):
            raise Refusal(45009)
        self.used_today[path] += 1
        if path in self.minute_limits:
            self._spend_minute(path, int(now // 60))

    def clear_quota(self) -> None:
        """Every daily count begins anew."""
        self.used_today.clear()
        self.exhausted.clear()

    def _spend_minute(self, path: str, minute: int) -> None:
        last, count = self._minutes.get(path, (minute, 0))
        count = count if last == minute else 0
        if count >= self.minute_limits[path]:
            raise Refusal(45011)
        self._minutes[path] = (minute, count + 1)


SENDING_PATHS = frozenset(
    {
        "/cgi-bin/message/custom/send",
        "/cgi-bin/message/subscribe/send",
        "/cgi-bin/message/template/send",
    }
)
