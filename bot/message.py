"""What a person said and what the service answers, without a platform in it.

Channels translate their wire into `Incoming` and a `Reply` back; everything in between knows only these.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What sort of message arrived."""

    TEXT = "text"
    VOICE = "voice"
    IMAGE = "image"
    LOCATION = "location"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    MENU = "menu"
    SCAN = "scan"
    VIEW = "view"
    ENTER = "enter"  # the mini-program's chat was opened
    PAGE = "page"  # a page of the mini-program was shared into its chat
    SUBSCRIPTION = "subscription"  # the platform tells who agreed to notices: `consents`
    DELIVERY = "delivery"  # the platform tells what became of what was sent: `deliveries`
    CALL = "call"  # the front end asks for something by itself


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or recording that stays at the platform until somebody needs it."""

    media_id: str
    url: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that was shared from the phone, in GCJ-02 degrees as text, with its label."""

    latitude: str
    longitude: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody agreed to, or refused, notices of one of the platform's templates, named by the platform's id."""

    template_id: str
    given: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message that was sent; `reason` is a short code, empty where it arrived."""

    platform_id: str
    arrived: bool
    reason: str = ""
    template_id: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of one account.

    `key` is unique per channel and the same for every delivery of one message; `text` is what was typed,
    said (voice with recognition) or stands behind the menu item; `received_at` is business time and decides
    the day, `sent_at` is the platform's own stamp. Both are aware. What is personal stays out of `repr`, which
    ends up in logs and tracebacks.
    """

    channel: str
    account: str = field(repr=False)
    key: str = field(repr=False)
    kind: Kind
    received_at: datetime
    text: str = field(default="", repr=False)
    event_key: str = ""
    media: Media | None = field(default=None, repr=False)
    spot: Spot | None = field(default=None, repr=False)
    sent_at: datetime | None = None
    consents: tuple[Consent, ...] = ()
    deliveries: tuple[Delivery, ...] = ()

    def __post_init__(self) -> None:
        check_aware(self.received_at)
        if self.sent_at is not None:
            check_aware(self.sent_at)

    def with_text(self, text: str) -> Incoming:
        return replace(self, text=text)


def check_aware(at: datetime) -> None:
    """Refuse an instant without a zone at its construction."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that can be picked: `label` is read, `value` is what comes back when it is picked."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Choices:
    """Answers to pick from; a channel shows buttons or numbered lines."""

    choices: tuple[Choice, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that the channel already knows, with words for those who can't see it."""

    media_id: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A titled block with a line of its own for every item, such as a code or a receipt."""

    title: str
    lines: tuple[str, ...] = ()
    url: str = ""


Part = Text | Choices | Picture | Card


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one message: its parts in the order in which they are read."""

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, *parts: Part | str) -> Reply:
        """Build a reply; a bare string is a text."""
        return cls(tuple(Text(part) if isinstance(part, str) else part for part in parts))

    def then(self, *parts: Part | str) -> Reply:
        return Reply(self.parts + Reply.of(*parts).parts)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Every choice of the reply in the order in which a numbered list shows them."""
        return tuple(choice for part in self.parts if isinstance(part, Choices) for choice in part.choices)
