"""Who is behind a code that the Alipay front end got. The tokens that come with the answer are dropped at once:
nothing here is done in somebody's name at the platform."""

from __future__ import annotations

import re

from bot.channels.alipay.answers import AnswerUnusable, PlatformRefused
from bot.channels.alipay.codes import CODE_INVALID, known_part
from bot.channels.alipay.messages import is_account
from bot.channels.alipay.openapi import OAUTH_TOKEN, AlipayApi
from bot.channels.alipay.rests import AppRests
from bot.channels.http import CallFailed
from bot.channels.login import LoginRefused, PlatformUser
from bot.channels.names import ALIPAY
from bot.errors import Unavailable

_CODE_FORM = re.compile(r"[!-~]{1,128}")


class AlipayLogin:
    """Exchanges codes at the platform; implements `Login`."""

    channel = ALIPAY

    def __init__(self, api: AlipayApi, rests: AppRests) -> None:
        self._api = api
        self._rests = rests

    async def log_in(self, code: str) -> PlatformUser:
        """The user behind a code; LoginRefused for a wrong one, Unavailable if the platform doesn't say.

        An app that is wrongly set up isn't asked; a rest of its sends alone doesn't keep anybody out.
        """
        if _CODE_FORM.fullmatch(code) is None:
            raise LoginRefused("bad_code")
        broken = await self._rests.broken()
        if broken:
            raise _unavailable(broken)
        try:
            answer = await self._api.exchange_code(code)
        except PlatformRefused as refusal:
            if known_part(refusal.sub_code) == CODE_INVALID:
                raise LoginRefused("wrong_code") from None
            failed = await self._rests.refused(refusal, OAUTH_TOKEN)
            raise _unavailable(failed.reason) from None
        except (CallFailed, AnswerUnusable) as error:
            raise _unavailable(error.reason) from None
        address = answer.get("user_id") or answer.get("open_id")
        if not isinstance(address, str) or not is_account(address):
            raise _unavailable("alipay_no_account")
        return PlatformUser(address)


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"Alipay doesn't take logins now: {why}")
