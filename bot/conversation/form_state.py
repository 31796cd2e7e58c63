"""What a form remembers beside its answers: the order of answers, unfinished ones, the one being changed.

All of it lies in the dictionary of answers under names that begin with "_", so that one sealed value holds
the whole form.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

Answers = dict[str, Any]

_ASKED = "_asked"
_CHANGING = "_changing"
_DRAFTS = "_drafts"
_WAS = "_was"
_BACK = "_back"
_PARTS_KEPT = 12


def came_back(answers: Answers, at: datetime) -> None:
    """Note when somebody came back after long, so that the dialogue is stored and lives on from then."""
    answers[_BACK] = at.isoformat()


def plain_answers(answers: Answers) -> Answers:
    """The answers alone."""
    return {name: value for name, value in answers.items() if not name.startswith("_")}


def drafted(answers: Answers, step: str) -> Answers:
    """What is known so far of an answer that is given in several parts; empty before the first."""
    parts = answers.get(_DRAFTS, {}).get(step)
    return dict(parts[-1]) if parts else {}


def keep_draft(answers: Answers, step: str, draft: Answers) -> None:
    """Remember another part of an answer, and what was known before it."""
    drafts: dict[str, list[Answers]] = answers.setdefault(_DRAFTS, {})
    drafts[step] = [*drafts.get(step, []), draft][-_PARTS_KEPT:]


def draft_back(answers: Answers, step: str) -> bool:
    """Take back the last part; False if there is none."""
    drafts: dict[str, list[Answers]] = answers.get(_DRAFTS, {})
    if not drafts.get(step):
        return False
    drafts[step] = drafts[step][:-1]
    return True


def remember(answers: Answers, step: str, values: Answers, resets: tuple[str, ...]) -> None:
    """A step is answered: its slots, its place in the order, and what has to be asked again because of it."""
    before: Answers = answers.get(_WAS, {}).pop(step, {})
    if any(slot in before and before[slot] != value for slot, value in values.items()):
        for slot in resets:
            answers.pop(slot, None)
    answers.pop(_CHANGING, None)
    answers.get(_DRAFTS, {}).pop(step, None)
    answers.update(values)
    answers[_ASKED] = [name for name in answers.get(_ASKED, []) if name != step] + [step]


def forget(answers: Answers, step: str, slots: tuple[str, ...]) -> None:
    """The step is asked again; its answer is only remembered to see whether the next one is another."""
    values = {slot: answers.pop(slot) for slot in slots if slot in answers}
    if values:
        answers.setdefault(_WAS, {})[step] = values
    answers.get(_DRAFTS, {}).pop(step, None)


def without_last(answers: Answers, current: str) -> str | None:
    """Take the last answered step (other than the current one) out of the order; None if there is none."""
    earlier = [name for name in answers.get(_ASKED, []) if name != current]
    if not earlier:
        return None
    answers[_ASKED] = earlier[:-1]
    return str(earlier[-1])


def start_change(answers: Answers, step: str, slots: tuple[str, ...], *, whole: bool) -> None:
    """Ask a step again, with its answer kept aside. `whole`: nothing else was open, so the review comes next."""
    leave_change(answers)
    answers[_CHANGING] = {
        "step": step,
        "values": {slot: answers[slot] for slot in slots if slot in answers},
        "whole": whole,
    }
    forget(answers, step, slots)


def changing(answers: Answers) -> bool:
    """Whether an answer of a complete form is being changed."""
    return bool(answers.get(_CHANGING, {}).get("whole"))


def leave_change(answers: Answers) -> bool:
    """Put the answer that was being changed back; False if none was."""
    change = answers.pop(_CHANGING, None)
    if change is None:
        return False
    for remembered in (_DRAFTS, _WAS):
        answers.get(remembered, {}).pop(change["step"], None)
    answers.update(change["values"])
    return True
