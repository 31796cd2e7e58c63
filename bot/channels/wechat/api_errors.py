"""What WeChat's error codes mean: one table, from which every refusal becomes one `SendFailed`.

Source of the codes: the platform's documents of each interface. A code that isn't in the table is `CONTENT`: it
was a definite answer, so nothing was delivered and the same bytes would be refused again; nothing else is known,
so neither the app nor the recipient is blamed for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.channels.http import CallFailed
from bot.channels.outbound import Effect, SendFailed, Trouble

_FIELD = re.compile(r"data\.([A-Za-z_]+[0-9]*)")
MINUTE_SECONDS = 60.0
_SAME_PERSON_SECONDS = 2.0


class Halt(StrEnum):
    """What rests after a refusal."""

    NOTHING = "nothing"
    MINUTE = "minute"  # the app, for a minute
    DAY = "day"  # the app, until the platform counts anew, at midnight in Beijing
    BREAK = "break"  # the app, for a growing time: it is wrongly set up
    TEMPLATE = "template"  # the one template, or page, that was named
    WAY = "way"  # the one interface: the app may not use it


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code says. `renew` is a token that may be worth a second try with a fresh one."""

    trouble: Trouble
    effect: Effect = Effect.NONE
    halt: Halt = Halt.NOTHING
    retry_after: float | None = None
    renew: bool = False


class Refusal(SendFailed):
    """An errcode, with what is to be done about it."""

    def __init__(self, code: int, meaning: Meaning, *, field_name: str = "") -> None:
        super().__init__(
            meaning.trouble,
            f"wechat_{code}",
            effect=meaning.effect,
            retry_after=meaning.retry_after,
            field_name=field_name,
        )
        self.code = code
        self.meaning = meaning


_STALE_TOKEN = Meaning(Trouble.TOKEN, halt=Halt.BREAK, renew=True)
_WRONG_SETUP = Meaning(Trouble.PERMISSION, halt=Halt.BREAK)
_WRONG_TEMPLATE = Meaning(Trouble.PERMISSION, halt=Halt.TEMPLATE)
_NOT_ALLOWED = Meaning(Trouble.PERMISSION, halt=Halt.WAY)
_BAD_CONTENT = Meaning(Trouble.CONTENT)
_UNREACHED = Meaning(Trouble.RECIPIENT)
_UNKNOWN_ACCOUNT = Meaning(Trouble.RECIPIENT, Effect.UNKNOWN_ACCOUNT)
UNLISTED = Meaning(Trouble.CONTENT)

MEANINGS: Mapping[int, Meaning] = {
    -1: Meaning(Trouble.RETRY),  # busy
    40001: _STALE_TOKEN,  # not the newest; asking for a token: wrong secret
    40014: _STALE_TOKEN,
    42001: _STALE_TOKEN,  # expired
    # the app
    40002: _WRONG_SETUP,  # grant type
    40013: _WRONG_SETUP,  # app id
    40125: _WRONG_SETUP,  # secret
    40164: _WRONG_SETUP,  # our address is not on the list
    40243: _WRONG_SETUP,  # secret frozen
    41001: _WRONG_SETUP,  # no token arrived: something between us and the platform takes it away
    89501: _WRONG_SETUP,  # our address: an administrator is asked
    89503: _WRONG_SETUP,  # our address: an administrator has to confirm
    89506: _WRONG_SETUP,  # our address was refused for a day
    89507: _WRONG_SETUP,  # our address was refused for an hour
    45009: Meaning(Trouble.QUOTA, halt=Halt.DAY),
    45011: Meaning(Trouble.RETRY, halt=Halt.MINUTE, retry_after=MINUTE_SECONDS),
    # an interface or a template
    40101: _NOT_ALLOWED,  # wrong path for this kind of account
    43107: _NOT_ALLOWED,  # the capability is banned
    43302: _NOT_ALLOWED,  # wrong method
    48001: _NOT_ALLOWED,
    48006: _NOT_ALLOWED,  # resetting quotas is used up
    40036: _WRONG_TEMPLATE,
    40037: _WRONG_TEMPLATE,
    41030: _WRONG_TEMPLATE,  # its page doesn't exist
    # who it is for
    40003: _UNKNOWN_ACCOUNT,
    43104: _UNKNOWN_ACCOUNT,  # an id of another app
    61010: _UNREACHED,  # the user's last visit is too long ago
    43004: Meaning(Trouble.RECIPIENT, Effect.UNFOLLOWED),
    43019: Meaning(Trouble.RECIPIENT, Effect.BLOCKED),
    43101: Meaning(Trouble.RECIPIENT, Effect.SUBSCRIPTION_USED_UP),
    43108: Meaning(Trouble.RETRY, retry_after=_SAME_PERSON_SECONDS),  # two at once to one person
    45015: Meaning(Trouble.RECIPIENT, Effect.WINDOW_CLOSED),
    45047: Meaning(Trouble.RECIPIENT, Effect.WINDOW_USED_UP),
    # what it says
    40007: _BAD_CONTENT,  # media id
    40129: _BAD_CONTENT,  # scene
    44002: _BAD_CONTENT,
    44004: _BAD_CONTENT,  # empty
    45002: _BAD_CONTENT,  # too long
    45008: _BAD_CONTENT,  # too many articles
    45168: _BAD_CONTENT,  # sensitive words
    47001: _BAD_CONTENT,  # JSON
    47003: _BAD_CONTENT,  # a field of a template
    # the key of a template message; the first is what a repetition is answered with, and counts as sent
    45065: _BAD_CONTENT,
    45066: Meaning(Trouble.RETRY, retry_after=MINUTE_SECONDS),
    45067: _BAD_CONTENT,
    # the typing sign, in the wrong state
    45080: _BAD_CONTENT,
    45081: _BAD_CONTENT,
    # codes of a login
    40029: _UNREACHED,
    40163: _UNREACHED,
    40226: Meaning(Trouble.RECIPIENT, Effect.BLOCKED),
}

SENT_BEFORE = 45065
NO_CODE = frozenset({40029, 40163, 40226})
# reasons of a break that a login would only meet again: it needs no token, but the same app id, secret and address
STOPS_LOGINS = frozenset(
    f"wechat_{code}" for code, each in MEANINGS.items() if each.halt == Halt.BREAK and not each.renew
)


def code_of(answer: Mapping[str, Any]) -> int:
    """The error code of an answer, 0 where there is none; CallFailed `bad_answer` for one that is no number."""
    code = answer.get("errcode", 0)
    if isinstance(code, str) and re.fullmatch(r"-?[0-9]{1,9}", code):
        return int(code)
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    raise CallFailed("bad_answer", written=True)


def refusal_of(answer: Mapping[str, Any]) -> Refusal | None:
    """What an answer refuses, None if it doesn't."""
    code = code_of(answer)
    if code == 0:
        return None
    name = ""
    if code == 47003:
        found = _FIELD.search(str(answer.get("errmsg", "")))
        name = found[1] if found else ""
    return Refusal(code, MEANINGS.get(code, UNLISTED), field_name=name)
