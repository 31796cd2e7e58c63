"""What sends nothing for a while at Alipay: the app, which all processes share, one interface, or one template."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.channels.alipay.answers import PlatformRefused
from bot.channels.alipay.codes import Meaning, Rests, classify, reason
from bot.channels.outbound import SendFailed, Trouble
from bot.store.platform_states import SharedApp


class AppRests:
    """The rests of one app; everything is in real time.

    What one interface or template was refused is known to this process alone: the next one finds out by one call.
    """

    def __init__(self, shared: SharedApp) -> None:
        self.name = shared.name
        self._shared = shared
        self._refused: dict[str, tuple[datetime, Trouble, str]] = {}

    async def check(self, method: str, template_id: str = "") -> None:
        """SendFailed while the app, this interface or this template rests; nothing was tried then."""
        now = self._shared.clock.wire()
        rest = await self._shared.rest()
        if rest is not None:
            trouble = Trouble.PERMISSION if rest.broken else Trouble.QUOTA
            raise SendFailed(trouble, rest.why, retry_after=(rest.until - now).total_seconds())
        for name in (method, _template(method, template_id)):
            until, trouble, why = self._refused.get(name, (now, Trouble.RETRY, ""))
            if until > now:
                raise SendFailed(trouble, why, retry_after=(until - now).total_seconds())

    async def broken(self) -> str:
        """Why the app is wrongly set up, which concerns every call; "" where it isn't."""
        rest = await self._shared.rest()
        return rest.why if rest is not None and rest.broken else ""

    async def worked(self) -> None:
        """The platform took a call, or refused it for its message alone."""
        await self._shared.mend()

    async def refused(self, refusal: PlatformRefused, method: str, template_id: str = "") -> SendFailed:
        """What a refusal means; whatever has to rest because of it rests from now on."""
        meaning, why = classify(refusal.code, refusal.sub_code), reason(refusal.code, refusal.sub_code)
        retry_after = await self._rest(meaning, why, method, template_id)
        if meaning.rests is Rests.NOTHING and meaning.trouble is not Trouble.UNKNOWN:
            await self.worked()
        return SendFailed(meaning.trouble, why, effect=meaning.effect, retry_after=retry_after)

    async def _rest(self, meaning: Meaning, why: str, method: str, template_id: str) -> float | None:
        now = self._shared.clock.wire()
        if meaning.rests is Rests.NOTHING:
            return None
        if meaning.seconds is None:
            await self._shared.break_off(why)
            rest = await self._shared.rest()
            return None if rest is None else (rest.until - now).total_seconds()
        until = now + timedelta(seconds=meaning.seconds)
        if meaning.rests is Rests.APP:
            await self._shared.pause(until, why)
        else:
            name = method if meaning.rests is Rests.WAY else _template(method, template_id)
            self._refused[name] = (until, meaning.trouble, why)
        return meaning.seconds


def _template(method: str, template_id: str) -> str:
    return f"{method} {template_id}"
