"""What each code of Alipay's OpenAPI means for a message: the kind of trouble, and what it says about the recipient.

The tables are the platform's documents'. `isv.` is left out of a sub code, because the newer protocol of the platform
uses the same words without it; `PUB.` is left out when it is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.channels.outbound import Effect, Trouble

SUCCESS = "10000"
CODE_INVALID = "code-invalid"
_CODE_FORM = re.compile(r"[0-9]{1,8}")
_SUB_CODE_FORM = re.compile(
    r"[A-Za-z0-9._-]{1,41}"
)  # with its prefix as long as the column of a notice takes


class Rests(StrEnum):
    """What sends nothing for a while after a refusal."""

    NOTHING = "nothing"
    APP = "app"
    WAY = "way"  # the one interface
    TEMPLATE = "template"  # the one template


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is done about a failure. `seconds` is how long it rests; None for an app that is wrongly set up, whose
    rest grows."""

    trouble: Trouble
    effect: Effect = Effect.NONE
    rests: Rests = Rests.NOTHING
    seconds: float | None = None


_MINUTE, _SET_UP_AGAIN = 60.0, 600.0
_SETUP = Meaning(Trouble.PERMISSION, rests=Rests.APP)
_NOT_ALLOWED = Meaning(Trouble.PERMISSION, rests=Rests.WAY, seconds=_SET_UP_AGAIN)
_WRONG_TEMPLATE = Meaning(Trouble.PERMISSION, rests=Rests.TEMPLATE, seconds=_SET_UP_AGAIN)
_LIMITED = Meaning(Trouble.QUOTA, rests=Rests.APP, seconds=_MINUTE)
_LIMITED_WAY = Meaning(Trouble.QUOTA, rests=Rests.WAY, seconds=_MINUTE)
_CONTENT = Meaning(Trouble.CONTENT)
_UNKNOWN = Meaning(Trouble.UNKNOWN)
_UNREACHED = Meaning(Trouble.RECIPIENT)
_NO_WINDOW = Meaning(Trouble.RECIPIENT, Effect.WINDOW_CLOSED)
_NO_FORM = Meaning(Trouble.RECIPIENT, Effect.FORM_USED_UP)
_UNFOLLOWED = Meaning(Trouble.RECIPIENT, Effect.UNFOLLOWED)

# A failure of the gateway, before any service saw the call; 40004 is the service's own and goes by its sub code.
BY_CODE: Mapping[str, Meaning] = {
    "20000": _UNKNOWN,  # the platform doesn't know itself what became of it
    "20001": _SETUP,  # about tokens, of which these calls carry none
    "40001": _SETUP,
    "40002": _SETUP,
    "40003": _SETUP,
    "40004": _CONTENT,
    "40005": _LIMITED,
    "40006": _NOT_ALLOWED,
}
BY_SUB_CODE: Mapping[str, Meaning] = {
    "isp.unknow-error": _UNKNOWN,  # spelt so by the platform
    "aop.unknow-error": _UNKNOWN,
    "SYSTEM_ERROR": _UNKNOWN,
    "app-call-limited": _LIMITED,
    "method-call-limited": _LIMITED_WAY,
    # 40006: the address of this host is wrong for every interface, a person's permission for that person alone
    "ip-forbidden": _SETUP,
    "insufficient-user-permissions": _UNREACHED,
    # 40002 is mostly how the app is set up, but these are about one interface or one message
    "invalid-method": _NOT_ALLOWED,
    "forbidden-api": _NOT_ALLOWED,
    "not-support-app-auth": _NOT_ALLOWED,
    "invalid-parameter": _CONTENT,
    "suspected-attack": _CONTENT,
    "upload-fail": _CONTENT,
    "invalid-file-extension": _CONTENT,
    "invalid-file-size": _CONTENT,
    CODE_INVALID: _UNREACHED,  # of a login
    # alipay.open.public.message.custom.send
    "MSG_SD_OVER_TIME": _NO_WINDOW,
    "MSG_SD_NOFOLLOW": _UNFOLLOWED,
    # alipay.open.app.mini.templatemessage.send
    "USER_TEMPLATE_ILLEGAL": _WRONG_TEMPLATE,
    "USER_KEYWORD_LENGTH_ERROR": _CONTENT,
    "FORM_ID_NOT_MATCH_APPID": _NO_FORM,
    "FORM_ID_OVER_TIME": _NO_FORM,
    "TRADE_NO_NOT_MATCH_USERID": _NO_FORM,
}
_FORM_PREFIX = "FORM_ID_"  # whatever else there is to say about a form, it can't be used


def classify(code: str, sub_code: str) -> Meaning:
    """What a failure means; a code that isn't known says nothing for certain, so the outcome is unknown."""
    name = known_part(sub_code).removeprefix("PUB.")
    found = BY_SUB_CODE.get(name)
    if found is None and name.startswith(_FORM_PREFIX):
        found = _NO_FORM
    return found or BY_CODE.get(code, _UNKNOWN)


def reason(code: str, sub_code: str) -> str:
    """The short code under which it is recorded; nothing that the platform may have put in beside one."""
    name = known_part(sub_code)
    if _SUB_CODE_FORM.fullmatch(name):
        return f"alipay_{name}"
    return f"alipay_{code}" if _CODE_FORM.fullmatch(code) else "alipay_unnamed"


def known_part(sub_code: str) -> str:
    """A sub code without the mark of the older protocol."""
    return sub_code.strip().removeprefix("isv.")
