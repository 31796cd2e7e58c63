"""Who is behind the code that the mini-program's front end got from WeChat."""

from __future__ import annotations

from bot.channels.login import LoginRefused, PlatformUser
from bot.channels.outbound import SendFailed
from bot.channels.wechat.api import WeChatApi
from bot.channels.wechat.api_errors import NO_CODE, Refusal
from bot.errors import Unavailable

_LONGEST_CODE = 512


class WeChatLogin:
    """Exchanges codes of one app. The platform's session key is neither kept nor passed on."""

    def __init__(self, channel: str, api: WeChatApi) -> None:
        self.channel = channel
        self._api = api

    async def log_in(self, code: str) -> PlatformUser:
        """The user behind a code; LoginRefused for a wrong, used or blocked one, Unavailable otherwise."""
        if not code or len(code) > _LONGEST_CODE or not code.isascii() or not code.isprintable():
            raise LoginRefused("bad_code")
        try:
            return PlatformUser(await self._api.code_to_session(code))
        except Refusal as refusal:
            if refusal.code in NO_CODE:
                raise LoginRefused(refusal.reason) from None
            raise Unavailable(f"WeChat doesn't take logins now: {refusal.reason}") from None
        except SendFailed as failed:
            raise Unavailable(f"WeChat doesn't take logins now: {failed.reason}") from None
