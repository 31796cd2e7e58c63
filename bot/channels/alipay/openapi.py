"""Calls of Alipay's OpenAPI: a signed request out, a verified answer back.

The platform's own clients put what every call has into the query and what one call is about into the form; so it is
done here. `timestamp` is Beijing time whatever the zone of this host, and real time whatever the business clock says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.channels.alipay.aes import ContentCipher
from bot.channels.alipay.answers import read_answer
from bot.channels.alipay.signing import PREFIX, Verifier, signing_parts
from bot.channels.http import HttpCaller
from bot.clock import DEFAULT_ZONE, Clock, zone
from bot.errors import Misconfigured

OAUTH_TOKEN = "alipay.system.oauth.token"  # noqa: S105 - the name of an interface
CUSTOM_SEND = "alipay.open.public.message.custom.send"
TEMPLATE_SEND = "alipay.open.app.mini.templatemessage.send"
_USER_ID = re.compile(r"2088[0-9]{12}")
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class AlipayApiSettings:
    """What calls need to know; keys are texts (PEM or base64) and never show in its representation."""

    app_id: str
    private_key: str = field(repr=False)
    alipay_public_key: str = field(repr=False)
    gateway_url: str
    aes_key: str = field(default="", repr=False)
    sign_types: tuple[str, ...] = ("RSA2",)


class AlipayApi:
    """The interfaces of one app.

    Every call returns the values of a successful, verified answer. It raises CallFailed if none came,
    AnswerUnusable for one that can't be believed, and PlatformRefused for what the platform says no to.
    """

    def __init__(self, caller: HttpCaller, settings: AlipayApiSettings, *, clock: Clock) -> None:
        if not settings.app_id or not settings.gateway_url:
            raise Misconfigured(f"Alipay needs {PREFIX}APP_ID and {PREFIX}GATEWAY_URL")
        self.app_id = settings.app_id
        self._caller = caller
        self._url = settings.gateway_url
        self._clock = clock
        self._signer, self._keys = signing_parts(
            settings.private_key, settings.alipay_public_key, settings.sign_types
        )
        self._verifier = Verifier(self._keys, settings.sign_types)
        self._cipher = ContentCipher(settings.aes_key) if settings.aes_key else None

    async def exchange_code(self, code: str) -> Mapping[str, Any]:
        """Who is behind a code of the front end; the tokens are in the answer too, and the caller's to drop."""
        return await self._call(OAUTH_TOKEN, {"grant_type": "authorization_code", "code": code})

    async def send_text(self, address: str, text: str, *, chat: bool) -> None:
        """Send a text through an open window: that of a conversation (`chat`), or that of an event."""
        whom = {"to_user_id" if is_user_id(address) else "open_id": address}
        content = {**whom, "msg_type": "text", "text": {"content": text}}
        await self._call_with(CUSTOM_SEND, {**content, "chat": "1"} if chat else content)

    async def send_template(
        self, address: str, template_id: str, fields: Mapping[str, str], *, form: str, page: str
    ) -> None:
        """Send a filled template of the mini-program, for which somebody submitted this form."""
        data = {name: {"value": value} for name, value in fields.items()}
        content = {
            "to_user_id" if is_user_id(address) else "to_open_id": address,
            "form_id": form,
            "user_template_id": template_id,
            "page": page,
            # text, not an object: so it is documented
            "data": _json(data),
        }
        await self._call_with(TEMPLATE_SEND, content)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._caller.close()

    async def _call_with(self, method: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """A call whose parameters are one piece of JSON, encrypted where the app encrypts."""
        text = _json(content)
        if self._cipher is None:
            return await self._call(method, {"biz_content": text})
        sealed = {"biz_content": self._cipher.encrypt(text.encode())}
        return await self._call(method, sealed, {"encrypt_type": "AES"})

    async def _call(
        self, method: str, form: Mapping[str, str], besides: Mapping[str, str] = _NOTHING
    ) -> Mapping[str, Any]:
        query = {
            "app_id": self.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": self._signer.sign_type,
            "timestamp": self._clock.wire().astimezone(zone(DEFAULT_ZONE)).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            **self._keys.request_parameters(),
            **besides,
        }
        query["sign"] = self._signer.sign_request({**query, **form})
        answer = await self._caller.post_form(self._url, form, query)
        return read_answer(answer.body, method, verifier=self._verifier, cipher=self._cipher)


def is_user_id(address: str) -> bool:
    """Whether an account is named by its user id, 16 digits that begin with 2088, and not by an open id."""
    return _USER_ID.fullmatch(address) is not None


def _json(value: Mapping[str, Any]) -> str:
    """JSON in which nothing is escaped that needn't be; half a character becomes a question mark."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()
