"""Where a conversation stands: a form, a step, answers, what was offered last, and what was set aside.

All of it is data, sealed in the database under the account; it survives restarts and replicas.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.message import Choice, Reply
from bot.store.sealing import KeyRing
from bot.store.snapshot import Dialogue

CONTEXT = "dialogues.state"
KEPT = timedelta(days=3)


@dataclass(slots=True)
class Parked:
    """A form that waits until another one is done."""

    form: str
    step: str
    answers: dict[str, Any]


@dataclass(slots=True)
class Talk:
    """The dialogue of one account while a message is answered; handlers change it, the engine saves it.

    `answers` belong to the current form. `choices` are what the last reply offered, so that "1" means the
    first of them. `pages` are what is still to be read. `expired` says that the form had been left alone for
    so long that it has to be said; its answers are still there.
    """

    form: str = ""
    step: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    pages: list[Any] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    expired: bool = False

    def start(self, form: str, step: str = "", answers: dict[str, Any] | None = None) -> None:
        """Begin a form; one that is under way is set aside and comes back when this one ends."""
        if self.form and self.form != form:
            self.parked.append(Parked(self.form, self.step, self.answers))
        self.parked = [each for each in self.parked if each.form != form]
        self.form, self.step, self.answers = form, step, dict(answers or {})

    def end(self) -> None:
        """The form is over: its answers go, and what was set aside comes back."""
        if self.parked:
            back = self.parked.pop()
            self.form, self.step, self.answers = back.form, back.step, back.answers
        else:
            self.form, self.step, self.answers = "", "", {}

    def clear(self) -> None:
        """Forget everything that was being talked about."""
        self.form, self.step, self.answers = "", "", {}
        self.choices, self.pages, self.parked = (), [], []

    def offer(self, reply: Reply | None) -> None:
        """Remember what the reply offers."""
        self.choices = reply.choices if reply is not None else ()

    def plain(self) -> dict[str, Any]:
        """What is stored, without what is empty."""
        state: dict[str, Any] = {}
        if self.answers:
            state["a"] = self.answers
        if self.choices:
            state["c"] = [[choice.label, choice.value] for choice in self.choices]
        if self.pages:
            state["m"] = self.pages
        if self.parked:
            state["p"] = [[each.form, each.step, each.answers] for each in self.parked]
        return state


def open_talk(stored: Dialogue, keys: KeyRing, now: datetime) -> Talk:
    """The talk that was stored."""
    state = keys.open_json(CONTEXT, stored.state_sealed) if stored.state_sealed else {}
    return Talk(
        form=stored.form,
        step=stored.step,
        answers=state.get("a", {}),
        choices=tuple(Choice(label, value) for label, value in state.get("c", ())),
        pages=state.get("m", []),
        parked=[Parked(form, step, answers) for form, step, answers in state.get("p", ())],
        expired=bool(stored.form and stored.expires_at and stored.expires_at <= now),
    )


def talk_row(talk: Talk, keys: KeyRing, now: datetime) -> dict[str, Any]:
    """The columns of the dialogue's row."""
    state = talk.plain()
    return {
        "form": talk.form,
        "step": talk.step,
        "state_sealed": keys.seal_json(CONTEXT, state) if state else None,
        "updated_at": now,
        "expires_at": now + KEPT if talk.form else None,
    }
