"""The access token of one app: fetched once for everybody, before the old one ends, and never in a hurry.

`stable_token` answers every process with the same token. One task of this process asks for it, under a lease that
all processes share; the others read what it stored. A wrong secret stops all of them for a growing time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.channels.http import CallFailed, HttpCaller
from bot.channels.outbound import SendFailed, Trouble
from bot.channels.wechat.api_errors import MINUTE_SECONDS, Halt, Refusal, refusal_of
from bot.clock import Clock, day_begins, resident_day
from bot.store.platform_states import Rest, SharedApp

PATH = "/cgi-bin/stable_token"
EARLY = timedelta(seconds=300)  # the platform has a new token ready in the last five minutes
FORCE_EVERY = timedelta(seconds=30)  # what the platform allows
_JITTER_SECONDS = 60.0
_LAST_SECONDS = timedelta(seconds=10)  # a token that ends while the call is on its way isn't used
_AGAIN = timedelta(seconds=15)  # between attempts to renew a token that still works
_CLOCKS_APART = timedelta(minutes=10)  # the platform's from ours, at most: as far as its pushes are let in
_LEASE_SECONDS = 20.0  # longer than a call may take
_LOOKS = 50
_BETWEEN_LOOKS = 0.1
_SHORTEST, _LONGEST = 16, 2048

_log = structlog.get_logger("wechat")


@dataclass(frozen=True, slots=True)
class Held:
    """A token in hand. `renew_at` is when to look for the next one, `ends_at` when this one is of no more use."""

    token: str = field(repr=False)
    renew_at: datetime
    ends_at: datetime


class TokenManager:
    """Gives out the token of one app; `shared` is what all processes know about that app."""

    def __init__(self, caller: HttpCaller, shared: SharedApp, *, base: str, app_id: str, secret: str) -> None:
        self.shared = shared
        self._caller = caller
        self._url = base.rstrip("/") + PATH
        self._app_id = app_id
        self._secret = secret
        self._clock: Clock = shared.clock
        self._held: Held | None = None
        self._refused = ""
        self._forced_at: datetime | None = None
        self._renewing: asyncio.Task[str] | None = None

    def __repr__(self) -> str:
        return f"TokenManager({self.shared.name!r})"

    async def token(self) -> str:
        """A token that works as far as is known; SendFailed where there is none, without anything being sent."""
        held = self._held
        if held is not None and self._clock.wire() < held.renew_at:
            return held.token
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(), name=f"token {self.shared.name}")
            self._renewing.add_done_callback(self._renewed)
        # shared with everybody who waits: a caller that goes away doesn't take it along
        return await asyncio.shield(self._renewing)

    async def invalidate(self, token: str) -> None:
        """This token was refused; without effect if another one has taken its place by now."""
        if self._held is not None and self._held.token == token:
            self._held = None
        elif token == self._refused or self._held is not None:
            return
        self._refused = token
        await self.shared.forget_token(token)

    async def close(self) -> None:
        """Wait for a renewal that is under way."""
        if self._renewing is not None:
            await asyncio.wait({self._renewing})

    def _renewed(self, task: asyncio.Task[str]) -> None:
        self._renewing = None
        if not task.cancelled():
            task.exception()  # those who wait get it; if none does any more it isn't lost noise at the end

    async def _renew(self) -> str:
        try:
            return await self._found_or_fetched()
        except SendFailed as failed:
            held = self._held
            if held is None or self._clock.wire() >= held.ends_at:
                raise
            _log.warning("token not renewed", action="token_keep", app=self.shared.name, reason=failed.reason)
            return self._keep(held)

    async def _found_or_fetched(self) -> str:
        """What another process stored meanwhile, or a new one under the lease."""
        for look in range(_LOOKS):
            found = await self._found()
            if found:
                return found
            if await self.shared.take_lease(max(_LEASE_SECONDS, self._force_left())):
                return await self._found_under_lease() or await self._fetch()
            if self._held is not None and self._clock.wire() < self._held.ends_at:
                return self._keep(self._held)
            # nothing wakes one process when another has stored something
            if look < _LOOKS - 1:
                await asyncio.sleep(_BETWEEN_LOOKS)
        raise SendFailed(Trouble.RETRY, "token_awaited", retry_after=1.0)

    async def _found(self) -> str:
        """A token that is stored and isn't known here yet; SendFailed while the app rests."""
        state = await self.shared.read()
        now = self._clock.wire()
        if self._is_news(state.token, state.token_expires_at, now):
            assert state.token_expires_at is not None
            return self._hold(state.token, state.token_expires_at)
        rest = state.rest(now)
        if rest is not None:
            raise resting(rest, now)
        return ""

    async def _found_under_lease(self) -> str:
        """Between the look and the lease another process may have stored one, or have been told to rest."""
        try:
            found = await self._found()
        except SendFailed:
            await self.shared.drop_lease()
            raise
        if found and not self._force_left():
            await self.shared.drop_lease()
        return found

    def _is_news(self, token: str, expires_at: datetime | None, now: datetime) -> bool:
        if not token or token == self._refused or expires_at is None:
            return False
        if self._held is not None and self._held.token == token:
            return False
        return now < expires_at - EARLY

    async def _fetch(self) -> str:
        try:
            token, expires_at = await self._ask(force=False)
            if token == self._refused and not self._force_left():
                await self.shared.take_lease(FORCE_EVERY.total_seconds())
                self._forced_at = self._clock.wire()
                token, expires_at = await self._ask(force=True)
            if token == self._refused:
                await self.shared.pause(self._clock.wire() + FORCE_EVERY, "token_refused")
                raise SendFailed(Trouble.TOKEN, "token_refused", retry_after=FORCE_EVERY.total_seconds())
        except SendFailed:
            if not self._force_left():
                await self.shared.drop_lease()
            raise
        # after a forced one the lease stays, so that no other process forces one within the same half minute
        await self.shared.store_token(token, expires_at, keep_lease=self._force_left() > 0)
        return self._hold(token, expires_at)

    def _force_left(self) -> float:
        """For how many seconds no token may be forced."""
        if self._forced_at is None:
            return 0.0
        return max(0.0, (self._forced_at + FORCE_EVERY - self._clock.wire()).total_seconds())

    async def _ask(self, *, force: bool) -> tuple[str, datetime]:
        """The platform's token and when it ends by our clock: what the platform's own shows doesn't matter."""
        asked_at = self._clock.wire()
        body = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secret,
            "force_refresh": force,
        }
        try:
            answer = await self._caller.post_json(self._url, body)
            refusal = refusal_of(answer)
            if refusal is None:
                return _token_in(answer, asked_at)
        except CallFailed as failed:
            # asking twice does no harm, whatever became of it
            reason = failed.reason
        else:
            _log.warning("token refused", action="token_refuse", app=self.shared.name, code=refusal.code)
            raise await self._halted(refusal)
        raise SendFailed(Trouble.RETRY, reason)

    async def _halted(self, refusal: Refusal) -> SendFailed:
        """What a refusal to give a token stops. Here even an unknown code means that the app can't go on."""
        if refusal.meaning.halt in (Halt.MINUTE, Halt.DAY) or refusal.trouble == Trouble.RETRY:
            return await halted(self.shared, refusal)
        await self.shared.break_off(refusal.reason)
        return SendFailed(Trouble.PERMISSION, refusal.reason, retry_after=await _left(self.shared))

    def _hold(self, token: str, expires_at: datetime) -> str:
        now = self._clock.wire()
        jitter = timedelta(seconds=random.uniform(0, _JITTER_SECONDS))  # noqa: S311 - spreads load, hides nothing
        # later than EARLY, never earlier: before that the platform would give out the same one again
        renew_at = max(expires_at - EARLY + jitter, now + _AGAIN)
        self._held = Held(token, min(renew_at, max(expires_at, now)), expires_at - _LAST_SECONDS)
        return token

    def _keep(self, held: Held) -> str:
        """Use a token that still works a little longer."""
        now = self._clock.wire()
        self._held = Held(held.token, min(now + _AGAIN, held.ends_at), held.ends_at)
        return held.token


def _token_in(answer: Mapping[str, Any], asked_at: datetime) -> tuple[str, datetime]:
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    sound = isinstance(token, str) and _SHORTEST <= len(token) <= _LONGEST and token.isascii()
    if not sound or not isinstance(seconds, int) or seconds <= 0:
        raise CallFailed("bad_answer", written=True)
    assert isinstance(token, str)
    return token, asked_at + timedelta(seconds=seconds)


async def halted(shared: SharedApp, refusal: Refusal) -> SendFailed:
    """Let the app rest as a refusal demands, and say for how long."""
    now = shared.clock.wire()
    if refusal.meaning.halt == Halt.MINUTE:
        await shared.pause(now + timedelta(seconds=MINUTE_SECONDS), refusal.reason)
    elif refusal.meaning.halt == Halt.DAY:
        await shared.pause(next_count(now), refusal.reason)
        refusal.retry_after = (next_count(now) - now).total_seconds()
    elif refusal.meaning.halt == Halt.BREAK:
        await shared.break_off(refusal.reason)
        refusal.retry_after = await _left(shared)
    return refusal


async def _left(shared: SharedApp) -> float | None:
    now = shared.clock.wire()
    rest = await shared.rest()
    return None if rest is None else (rest.until - now).total_seconds()


def resting(rest: Rest, now: datetime) -> SendFailed:
    """Why nothing is sent while the app rests. Nothing was tried, so it isn't the message's failure."""
    trouble = Trouble.PERMISSION if rest.broken else Trouble.QUOTA
    return SendFailed(trouble, rest.why, retry_after=(rest.until - now).total_seconds())


def next_count(now: datetime) -> datetime:
    """When the platform's daily counts begin anew: the next midnight in Beijing. A little after one, the platform's
    clock may not have come that far: a refusal then is no reason to wait for a whole day."""
    today = resident_day(now)
    late = day_begins(today) + _CLOCKS_APART
    return late if now < late else day_begins(today + timedelta(days=1))
