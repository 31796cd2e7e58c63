"""WeChat's API as this service uses it. Every failure is a `SendFailed` that says what may be done about it.

A send is tried a second time here only after a refused token; everything else is the dispatcher's to decide.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.channels.http import Answer, CallFailed, HttpCaller
from bot.channels.outbound import SendFailed, Sent, Trouble
from bot.channels.wechat.api_errors import (
    SENT_BEFORE,
    STOPS_LOGINS,
    Halt,
    Refusal,
    refusal_of,
)
from bot.channels.wechat.tokens import TokenManager, halted, resting
from bot.clock import Clock

CUSTOM = "/cgi-bin/message/custom/send"
TYPING = "/cgi-bin/message/custom/typing"
SUBSCRIBE = "/cgi-bin/message/subscribe/send"
TEMPLATE = "/cgi-bin/message/template/send"
MEDIA = "/cgi-bin/media/get"
MENU = "/cgi-bin/menu/create"
SESSION = "/sns/jscode2session"

LONGEST_KEY = 32  # of client_msg_id
LARGEST_MEDIA = 2 * 1024 * 1024
# how a file of each type begins: the platform's word alone is not believed
PICTURES: Mapping[str, bytes] = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/jpg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/gif": b"GIF8",
}
_SET_UP_AGAIN = timedelta(minutes=10)
# After these the request was not processed: a gateway said that it got nowhere. A 504 or 408 says that it waited.
_WAITED = frozenset({408, 504})

T = TypeVar("T", dict[str, Any], Answer)


@dataclass(frozen=True, slots=True)
class Media:
    """A file that somebody sent."""

    content: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A template message: field name -> value. `page` is an https address or a page of the mini-program."""

    template_id: str
    fields: Mapping[str, str] = field(repr=False)
    page: str = ""

    @property
    def data(self) -> dict[str, dict[str, str]]:
        return {name: {"value": value} for name, value in self.fields.items()}


class WeChatApi:
    """The calls of one app. Its connections belong to it: `close()` closes them."""

    def __init__(
        self,
        caller: HttpCaller,
        tokens: TokenManager,
        *,
        base: str,
        app_id: str,
        secret: str,
        clock: Clock,
    ) -> None:
        self.shared = tokens.shared
        self._caller = caller
        self._tokens = tokens
        self._base = base.rstrip("/")
        self._app_id = app_id
        self._secret = secret
        self._clock = clock
        # templates and interfaces that were refused: until when, and why
        self._refused: dict[str, tuple[datetime, str]] = {}

    def __repr__(self) -> str:
        return f"WeChatApi({self.shared.name!r})"

    async def send_custom(self, openid: str, text: str) -> Sent:
        """A text through the open window. Not idempotent: without an answer its outcome is unknown."""
        body = {"touser": openid, "msgtype": "text", "text": {"content": text}}
        return _sent(await self._post(CUSTOM, body))

    async def send_subscribe(self, openid: str, filled: Filled, *, state: str, language: str) -> Sent:
        """A subscription message of the mini-program. `state`: developer, trial or formal; `language`: zh_CN ..."""
        body = {
            "touser": openid,
            "template_id": filled.template_id,
            "miniprogram_state": state,
            "lang": language,
            "data": filled.data,
        }
        if filled.page:
            body["page"] = filled.page
        return _sent(await self._post(SUBSCRIBE, body, template_id=filled.template_id))

    async def send_template(
        self, openid: str, filled: Filled, *, key: str, page_of: str | None = None
    ) -> Sent:
        """A template message of the official account; of several with one `key` the platform sends one.

        `page_of` is the app id of the mini-program that `filled.page` is a page of.
        """
        if len(key) > LONGEST_KEY:
            raise ValueError(f"a key has at most {LONGEST_KEY} characters")
        body: dict[str, Any] = {
            "touser": openid,
            "template_id": filled.template_id,
            "client_msg_id": key,
            "data": filled.data,
        }
        if filled.page.startswith("https://"):
            body["url"] = filled.page
        elif filled.page and page_of:
            body["miniprogram"] = {"appid": page_of, "pagepath": filled.page}
        try:
            return await self._template(body, filled.template_id)
        except SendFailed as failed:
            if failed.trouble is not Trouble.UNKNOWN:
                raise
        # at once, in the same way: then the platform drops it if the first one arrived
        return await self._template(body, filled.template_id)

    async def _template(self, body: Mapping[str, Any], template_id: str) -> Sent:
        try:
            return _sent(await self._post(TEMPLATE, body, template_id=template_id))
        except Refusal as refusal:
            if refusal.code == SENT_BEFORE:
                return Sent()
            raise

    async def typing(self, openid: str, *, on: bool) -> None:
        """Show, or take away, the sign that an answer is being written."""
        body = {"touser": openid, "command": "Typing" if on else "CancelTyping"}
        await self._post(TYPING, body, idempotent=True)

    async def push_menu(self, menu: Mapping[str, Any]) -> None:
        """Replace the menu below the chat."""
        await self._post(MENU, menu, idempotent=True)

    async def download_media(
        self, media_id: str, *, limit: int = LARGEST_MEDIA, types: Mapping[str, bytes] = PICTURES
    ) -> Media:
        """A file that somebody sent, of at most `limit` bytes and one of these types (type -> how it begins)."""

        async def get(token: str) -> Answer:
            query = {"access_token": token, "media_id": media_id}
            return await self._caller.get_bytes(self._base + MEDIA, query, limit=limit)

        answer = await self._with_token(get, MEDIA, idempotent=True)
        if _is_json(answer):
            raise SendFailed(Trouble.CONTENT, "media_elsewhere")  # a video: only an address of it is given
        begins = types.get(answer.content_type)
        if begins is None or not answer.body.startswith(begins):
            raise SendFailed(Trouble.CONTENT, "media_type")
        return Media(answer.body, answer.content_type)

    async def code_to_session(self, code: str) -> str:
        """The openid behind a front end's code. The session key is dropped here: nothing of ours needs it."""
        now = self._clock.wire()
        rest = await self.shared.rest()
        if rest is not None and rest.why in STOPS_LOGINS:
            raise resting(rest, now)
        query = {
            "appid": self._app_id,
            "secret": self._secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        try:
            answer = await self._caller.get_json(self._base + SESSION, query)
            refusal = refusal_of(answer)
        except CallFailed as failed:
            reason = failed.reason
        else:
            if refusal is not None and refusal.reason in STOPS_LOGINS:
                await self.shared.break_off(refusal.reason)
            if refusal is not None:
                raise refusal
            openid = answer.get("openid")
            if isinstance(openid, str) and openid:
                return openid
            reason = "bad_answer"
        raise SendFailed(Trouble.RETRY, reason)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._tokens.close()
        await self._caller.close()

    async def _post(
        self, path: str, body: Mapping[str, Any], *, template_id: str = "", idempotent: bool = False
    ) -> dict[str, Any]:
        async def post(token: str) -> dict[str, Any]:
            answer = await self._caller.post_json(self._base + path, body, {"access_token": token})
            if "errcode" not in answer:
                raise CallFailed("bad_answer", written=True)
            return answer

        return await self._with_token(post, path, template_id, idempotent=idempotent)

    async def _with_token(
        self, call: Callable[[str], Awaitable[T]], path: str, template_id: str = "", *, idempotent: bool
    ) -> T:
        """Call with the token; a second time, with a fresh one, only if the first was refused for its token."""
        await self._check_rests(path, template_id)
        token = await self._tokens.token()
        answer, refusal = await _called(call, token, idempotent=idempotent)
        if refusal is not None and refusal.meaning.renew:
            await self._tokens.invalidate(token)
            token = await self._tokens.token()
            answer, refusal = await _called(call, token, idempotent=idempotent)
        if refusal is None:
            await self.shared.mend()
            return answer
        if refusal.meaning.renew:
            await self._tokens.invalidate(token)
        raise await self._stopped(refusal, path, template_id)

    async def _check_rests(self, path: str, template_id: str) -> None:
        now = self._clock.wire()
        rest = await self.shared.rest()
        if rest is not None:
            raise resting(rest, now)
        for name in (path, f"{path} {template_id}"):
            until, why = self._refused.get(name, (now, ""))
            if until > now:
                raise SendFailed(Trouble.PERMISSION, why, retry_after=(until - now).total_seconds())

    async def _stopped(self, refusal: Refusal, path: str, template_id: str) -> SendFailed:
        """The refusal, and what rests because of it."""
        halt = refusal.meaning.halt
        if halt in (Halt.TEMPLATE, Halt.WAY):
            name = path if halt == Halt.WAY else f"{path} {template_id}"
            self._refused[name] = (self._clock.wire() + _SET_UP_AGAIN, refusal.reason)
            refusal.retry_after = _SET_UP_AGAIN.total_seconds()
        elif halt == Halt.NOTHING and refusal.trouble != Trouble.RETRY:
            await self.shared.mend()  # the app works: it was answered about this message
        return await halted(self.shared, refusal)


async def _called(
    call: Callable[[str], Awaitable[T]], token: str, *, idempotent: bool
) -> tuple[T, Refusal | None]:
    try:
        answer = await call(token)
        if isinstance(answer, dict):
            return answer, refusal_of(answer)
        return answer, refusal_of(answer.json()) if _is_json(answer) else None
    except CallFailed as failed:
        failure = _failure(failed, idempotent=idempotent)
    raise failure


def _failure(failed: CallFailed, *, idempotent: bool) -> SendFailed:
    if failed.reason == "too_large" and idempotent:
        return SendFailed(Trouble.CONTENT, "media_too_large")
    told = failed.reason == "not_json" or (failed.reason.startswith("http_") and failed.status not in _WAITED)
    certain = not failed.written or told or idempotent
    return SendFailed(Trouble.RETRY if certain else Trouble.UNKNOWN, failed.reason)


def _is_json(answer: Answer) -> bool:
    return answer.body.lstrip()[:1] == b"{"


def _sent(answer: Mapping[str, Any]) -> Sent:
    platform_id = answer.get("msgid", "")
    return Sent(str(platform_id) if isinstance(platform_id, (int, str)) else "")
