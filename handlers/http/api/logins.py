"""Logging in and out: a platform's code for a session of the front end."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.channels.login import LoginRefused, PlatformUser
from bot.channels.simulator import CHANNEL as SIMULATOR
from bot.channels.simulator import LONGEST_USER
from bot.conversation.context import Context
from bot.message import Incoming, Kind
from bot.store.sessions import LoggedIn
from handlers.http.api.bodies import Sent, Told, digest
from handlers.http.api.calls import Call, Entry
from handlers.http.api.problems import Wrong, invalid

Consent = Literal["none", "asked", "given", "refused", "withdrawn"]


class SimulatorLogin:
    """In development: the code is the free name of a simulated phone's user."""

    channel = SIMULATOR

    async def log_in(self, code: str) -> PlatformUser:
        """The user of that name."""
        name = code.strip()
        if not name or len(name) > LONGEST_USER or not name.isprintable():
            raise LoginRefused("bad_name")
        return PlatformUser(name)


class NewSession(Sent):
    """A login: the platform on which the front end runs, and the code that it got there."""

    platform: Literal["wechat_mini", "alipay", "simulator"] = Field(examples=["wechat_mini"])
    code: str = Field(min_length=1, max_length=512, examples=["0c1aB2000dEfGh1iJkL300mNoP4aB20q"])


class SessionTold(Told):
    """A session: `token` goes into `Authorization: Bearer …` until `expires_at`."""

    token: str = Field(pattern="^[0-9a-f]{64}$", examples=["5b" * 32])
    expires_at: datetime
    consent: Consent = Field(description="Before it is `given`, only consent, me and sessions answer.")


async def open_session(entry: Entry) -> SessionTold:
    """Exchange a code for a session; the same code under the same key again is the same session."""
    api, body = entry.api, entry.body
    login = api.logins.get(body.platform)
    if login is None:
        raise invalid(Wrong("platform", "not_offered"))
    token = api.sessions.token_for(body.platform, body.code, entry.key)
    session = await api.sessions.find(token)
    if session is None:
        if await api.sessions.known(token):
            raise LoginRefused("ended")
        await api.sessions.tidy()
        session = await _begin(entry, token, (await login.log_in(body.code)).address)
    return SessionTold(token=token, expires_at=session.expires_at, consent=session.consent)


async def _begin(entry: Entry, token: str, address: str) -> LoggedIn:
    """Record the session, and the account where it is new."""
    api, platform = entry.api, entry.body.platform

    async def act(ctx: Context) -> dict[str, object]:
        if not ctx.account.stored:
            ctx.account.language = entry.language
            ctx.work.update("accounts", {"id": ctx.account.id}, language=entry.language)
        api.sessions.begin(ctx.work, token, ctx.account.id)
        return {}

    call = Incoming(
        channel=platform,
        account=address,
        key=f"api:open_session:{digest(token)}",
        kind=Kind.CALL,
        received_at=api.clock.now(),
    )
    await api.engine.perform(call, act)
    session = await api.sessions.find(token)
    if session is None:
        raise LoginRefused("ended")
    return session


async def close_session(call: Call) -> None:
    """Log out."""
    call.api.sessions.end(call.ctx.work, call.session)
