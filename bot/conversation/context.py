"""What a handler gets besides the message: who writes, what is known, and where to record what changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from bot.clock import DEFAULT_ZONE, resident_day
from bot.conversation.dialogue import Talk
from bot.conversation.texts import Texts
from bot.conversation.understanding.places import Places
from bot.conversation.understanding.understand import understand
from bot.conversation.understanding.understood import Understood
from bot.message import Choice, Choices, Incoming, Reply
from bot.notices.outbox import notify
from bot.services.world import World
from bot.store.database import Database
from bot.store.snapshot import Account, Resident
from bot.store.work import Work

if TYPE_CHECKING:
    from bot.conversation.forms import Form
    from bot.notices.reachability import Reachability


@dataclass(slots=True)
class Context:
    """Everything about one message. Handlers read it, record changes on `work`, and return a reply.

    `resident` is who writes (None before the first declaration); `residents` are all for whom the account
    speaks. `choice` is the value of the offered choice that the message picked, if it did. `template_kinds` are
    the kinds of notice by channel and platform's template.
    """

    message: Incoming
    now: datetime
    account: Account
    talk: Talk
    work: Work
    world: World
    texts: Texts
    places: Places
    database: Database
    forms: Mapping[str, Form]
    reachability: Reachability
    resident: Resident | None = None
    residents: list[Resident] = field(default_factory=list)
    template_kinds: Mapping[tuple[str, str], str] = field(default_factory=dict)
    choice: str | None = None
    aside: Reply | None = None
    _understood: Understood | None = None
    _today: date | None = None

    @property
    def language(self) -> str:
        return self.account.language

    @property
    def zone(self) -> str:
        return self.resident.zone if self.resident else DEFAULT_ZONE

    @property
    def today(self) -> date:
        """The resident's day on which the message was sent."""
        if self._today is None:
            self._today = resident_day(self.now, self.zone)
        return self._today

    @property
    def text(self) -> str:
        """What was said: the value of the picked choice, else the words."""
        return self.choice if self.choice is not None else self.message.text

    @property
    def understood(self) -> Understood:
        """The words of the message, read once."""
        if self._understood is None:
            self._understood = understand(self.text, today=self.today, places=self.places)
        return self._understood

    def say(self, key: str, **params: Any) -> str:
        """The text of that key in the account's language."""
        return self.texts.say(self.account.language, key, **params)

    def reply(self, key: str, **params: Any) -> Reply:
        """A reply of one text."""
        return Reply.of(self.say(key, **params))

    def ask(self, key: str, *options: tuple[str, str], **params: Any) -> Reply:
        """A question with choices: each option is (value, key of its label)."""
        choices = tuple(Choice(self.say(label), value) for value, label in options)
        return Reply.of(Choices(choices, self.say(key, **params)))

    def notify(
        self, person_id: int, kind: str, params: Mapping[str, Any], *, dedup_key: str, urgent: bool = False
    ) -> None:
        """Queue a message to a person by itself, in the transaction of this message."""
        notify(
            self.work,
            self.world.keys,
            resident_id=self.resident.resident_id if self.resident else 0,
            person_id=person_id,
            kind=kind,
            params=dict(params),
            dedup_key=dedup_key,
            urgent=urgent,
        )
