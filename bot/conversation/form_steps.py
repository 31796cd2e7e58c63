"""What a form is made of: steps with their questions, and what a message can say to one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.conversation.context import Context
from bot.conversation.form_state import Answers
from bot.message import Reply

CHANGE_WORD = r"(?:修改|更改|改|change|edit)"
_CHANGE_NAMED = re.compile(
    rf"^\s*(?:我?[要想]|帮我|i want to |please )*(?P<rest>(?:{CHANGE_WORD}|换|搬家).+|搬家)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Taken:
    """The message answers the question: slots and their values."""

    values: Answers


@dataclass(frozen=True, slots=True)
class Partly:
    """The message answers a part of the question; `draft` is all that is known of the answer so far."""

    draft: Answers


@dataclass(frozen=True, slots=True)
class Wrong:
    """The message tries to answer, but can't be right; the text says kindly what is."""

    key: str
    params: tuple[tuple[str, Any], ...] = ()


Read = Taken | Partly | Wrong | None


def _hidden(_ctx: Context, _answers: Answers) -> str:
    return ""


def _always(_ctx: Context, _answers: Answers) -> bool:
    return True


def _nothing(_ctx: Context, _answers: Answers) -> Answers:
    return {}


@dataclass(frozen=True, slots=True)
class Step:
    """One question.

    ask: the question, with choices where there are some.
    read: what the message says to it; None: it isn't an answer.
    show: the answer as one line of the review; empty: not shown there.
    needed: whether the question is asked at all, given the other answers.
    spot: an answer that can be recognised in any text, for several answers in one message.
    why: key of the text that answers "why do you ask?".
    free: any text could be an answer (a name, a street), so requests and questions are looked for first.
    slots: the answers that this step fills; forgotten when it is asked again.
    resets: slots of other steps that have to be answered again when this answer becomes another one.
    names: what people call the answer when they want to change it.
    """

    name: str
    ask: Callable[[Context, Answers], Reply]
    read: Callable[[Context, Answers], Read]
    slots: tuple[str, ...]
    show: Callable[[Context, Answers], str] = _hidden
    needed: Callable[[Context, Answers], bool] = _always
    spot: Callable[[Context, Answers], Answers] = _nothing
    why: str = "form.why"
    free: bool = False
    resets: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def answered(self, answers: Answers) -> bool:
        return all(slot in answers for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Form:
    """A name, its steps, what to do at the end; without `review` it ends with the last answer."""

    name: str
    steps: tuple[Step, ...]
    submit: Callable[[Context, Answers], Awaitable[Reply]]
    review: bool = True
    title: str = "form.title"

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)

    def named(self, text: str) -> Step | None:
        """The step that "change …" names in a message, by the longest of its names."""
        wanted = _CHANGE_NAMED.match(text)
        if wanted is None:
            return None
        rest = wanted["rest"].casefold()
        found = [(len(name), step) for step in self.steps for name in step.names if name in rest]
        return max(found, key=lambda each: each[0])[1] if found else None
