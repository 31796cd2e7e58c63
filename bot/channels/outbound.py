"""What is between the dispatcher and a platform: where a message goes, in which way, and what became of it.

A platform's client turns every failure into one `SendFailed`; nobody beyond it sees an error code or a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.errors import YimaError


class Way(StrEnum):
    """How a message can reach an account without being asked for."""

    CUSTOMER_SERVICE = "customer_service"  # the open window after a contact
    SUBSCRIPTION = "subscription"  # what somebody agreed to, counted
    TEMPLATE = "template"  # the official account's template, or Alipay's with a form
    SIMULATOR = "simulator"  # the phone of the development page


@dataclass(frozen=True, slots=True)
class Words:
    """A plain text, which only goes through an open window."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FilledTemplate:
    """One of the platform's templates, filled: field name -> value. `form` is Alipay's form id."""

    template_id: str
    fields: Mapping[str, str] = field(repr=False)
    page: str = ""
    language: str = "zh"
    form: str = field(default="", repr=False)


Outgoing = Words | FilledTemplate


@dataclass(frozen=True, slots=True)
class Sent:
    """It was taken; `platform_id` is what later reports on it are named by, if the platform gives one."""

    platform_id: str = ""


class Trouble(StrEnum):
    """What kind of failure it was, which decides what is done about it."""

    RETRY = "retry"  # not delivered for certain, and may work later
    TOKEN = "token"  # noqa: S105 - a kind of failure: the token was refused twice
    QUOTA = "quota"  # the app as a whole has sent what it may
    PERMISSION = "permission"  # the app is wrongly set up, or may not do this
    RECIPIENT = "recipient"  # this account can't be reached in this way
    CONTENT = "content"  # this message will never be taken
    UNKNOWN = "unknown"  # it was written, and no answer came: it may have arrived


class Effect(StrEnum):
    """What a refusal says about the recipient, to be kept in the ledger."""

    NONE = "none"
    WINDOW_CLOSED = "window_closed"
    WINDOW_USED_UP = "window_used_up"
    SUBSCRIPTION_USED_UP = "subscription_used_up"
    FORM_USED_UP = "form_used_up"
    UNFOLLOWED = "unfollowed"
    BLOCKED = "blocked"
    UNKNOWN_ACCOUNT = "unknown_account"


class SendFailed(YimaError):
    """A message was not sent, or it is not known whether it was.

    `reason` is a short code without anything personal, such as `wechat_43101` or `http_502`. `retry_after` is in
    seconds, None where the platform says nothing. For a template that was refused, `field_name` is the field.
    """

    def __init__(
        self,
        trouble: Trouble,
        reason: str,
        *,
        effect: Effect = Effect.NONE,
        retry_after: float | None = None,
        field_name: str = "",
    ) -> None:
        super().__init__(f"{trouble}: {reason}")
        self.trouble = trouble
        self.reason = reason
        self.effect = effect
        self.retry_after = retry_after
        self.field_name = field_name


class Outbound(Protocol):
    """The sending side of one channel. `app` names the platform's app in what all processes share; `idempotent`
    are the ways on which the platform itself drops a second message with the same `key`."""

    channel: str
    app: str
    ways: frozenset[Way]
    idempotent: frozenset[Way]

    async def send(self, way: Way, address: str, outgoing: Outgoing, *, key: str) -> Sent:
        """Send one message to the account with this platform id; SendFailed for everything that goes wrong.

        `key` is the same whenever the same message is sent again, at most 32 characters.
        """

    async def close(self) -> None:
        """Let go of the connections."""
