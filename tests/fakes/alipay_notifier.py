"""The platform's side of Alipay's callbacks: it signs messages and notifications, and reads what is answered.

How often a gateway message is repeated is not documented: as for WeChat, three more times at once. Notifications
follow the published schedule, with the same bytes each time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from bot.clock import Clock
from tests.fakes.alipay_signing import encrypt, notice_string, public_base64, signature, verifies

CHECK = "alipay.service.check"
MESSAGE = "alipay.mobile.public.message.notify"
NOTICE_RETRIES = tuple(timedelta(minutes=each) for each in (4, 10, 10, 60, 120, 360, 900))
MESSAGE_RETRIES = (timedelta(0),) * 3
_ACK = re.compile(
    rb'\A\s*<\?xml version="1\.0" encoding="(?P<charset>[\w-]+)"\?>\s*'
    rb"<alipay>\s*<response>(?P<inner>.*)</response>\s*<sign>(?P<sign>[^<]*)</sign>"
    rb"\s*<sign_type>(?P<type>[^<]*)</sign_type>\s*</alipay>\s*\Z",
    re.DOTALL,
)


class BadAcknowledgement(Exception):
    """The platform could not read or verify an answer; the message is a short reason."""


@dataclass(frozen=True, slots=True)
class Push:
    """One callback as it goes over the wire: the body of a POST, and the parameters in it."""

    body: bytes = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    content_type: str = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A signed answer: of a gateway check (`success`, `public_key`, `error_code`) or a message (`fields`)."""

    success: bool
    public_key: str = ""
    error_code: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one callback: how often it was posted, and the last status and body."""

    attempts: int
    status: int | None
    body: bytes
    accepted: bool


Post = Callable[[Push], Awaitable[tuple[int, bytes]]]
Wait = Callable[[timedelta], Awaitable[None]]


@dataclass(kw_only=True, slots=True)
class AlipayNotifier:
    """Signs as the platform does for one app. `version` says whether the sign type is part of what is signed."""

    app_id: str
    platform_key: RSAPrivateKey = field(repr=False)
    app_public_key: RSAPublicKey = field(repr=False)
    clock: Clock
    charset: str = "GBK"
    sign_type: str = "RSA2"
    version: int = 2
    aes_key: str = field(default="", repr=False)
    _count: int = 0

    # the gateway of a life account

    def check(self) -> Push:
        """The check with which the console switches a gateway on."""
        return self._gateway(CHECK, self._xml("", "event", {"EventType": "verifygw", "ActionParam": ""}))

    def text(self, user: str, content: str, *, message_id: str = "") -> Push:
        body = {"MsgId": message_id or self._next(), "Text": {"Content": content}}
        return self._message(user, "text", body)

    def image(self, user: str, media_id: str, *, form: str = "jpg", message_id: str = "") -> Push:
        body = {"MsgId": message_id or self._next(), "Image": {"MediaId": media_id, "Format": form}}
        return self._message(user, "image", body)

    def follow(self, user: str, *, scene: str = "") -> Push:
        return self.event(user, "follow", _scene(scene))

    def unfollow(self, user: str) -> Push:
        return self.event(user, "unfollow", "")

    def enter(self, user: str, *, scene: str = "") -> Push:
        return self.event(user, "enter", _scene(scene))

    def click(self, user: str, key: str) -> Push:
        return self.event(user, "click", key)

    def event(self, user: str, event_type: str, action: str) -> Push:
        """An event; like the platform's own it carries no message id, but who the person is."""
        about = {"EventType": event_type, "ActionParam": action, "AgreementId": "", "AccountNo": ""}
        person = json.dumps({"logon_id": "159****0001", "user_name": "*小明"}, ensure_ascii=False)
        return self._message(user, "event", {**about, "UserInfo": person})

    # notifications

    def notification(self, method: str, content: Mapping[str, object], *, notify_id: str = "") -> Push:
        """A message notification: JSON, sealed where the app has a key; its signature is over the sealed text."""
        biz = json.dumps(content, ensure_ascii=False)
        params = {
            "notify_id": notify_id or self._next(),
            "utc_timestamp": str(self._millis()),
            "msg_method": method,
            "app_id": self.app_id,
            "version": "1.1",
            "biz_content": encrypt(biz.encode(self.charset), self.aes_key) if self.aes_key else biz,
        }
        return self.signed({**params, "encrypt_type": "AES"} if self.aes_key else params)

    # signing and sending

    def signed(self, params: Mapping[str, str]) -> Push:
        """Any parameters, with charset, sign type and signature added; those given win."""
        filled = {"charset": self.charset, "sign_type": self.sign_type, **params}
        content = notice_string(filled, self.version).encode(self.charset, "replace")
        filled["sign"] = signature(self.platform_key, content, self.sign_type)
        return self.form(filled)

    def form(self, params: Mapping[str, str]) -> Push:
        """Parameters as they are, encoded in the charset; what it lacks becomes a question mark, as in Java."""
        return Push(urlencode(params, encoding=self.charset, errors="replace").encode("ascii"), dict(params))

    def accepts(self, push: Push, status: int, body: bytes) -> bool:
        """Whether an answer ends the delivery: exactly `success`, or for the gateway a signed acknowledgement."""
        if status != 200:
            return False
        if "notify_id" in push.params or push.params.get("service") == MESSAGE:
            return body == b"success" or ("service" in push.params and self._acknowledged(body))
        return self._acknowledged(body)

    async def deliver(self, post: Post, push: Push, wait: Wait) -> Delivery:
        """Post until it is accepted, or the schedule is over; a time-out or a cut connection is no answer."""
        retries: Sequence[timedelta] = NOTICE_RETRIES if "notify_id" in push.params else MESSAGE_RETRIES
        status, body = await _attempt(post, push)
        attempts = 1
        for pause in retries:
            if status is not None and self.accepts(push, status, body):
                break
            await wait(pause)
            status, body = await _attempt(post, push)
            attempts += 1
        return Delivery(attempts, status, body, status is not None and self.accepts(push, status, body))

    # reading answers

    def read(self, body: bytes) -> Acknowledgement:
        """Verify our answer over the exact bytes between its tags with the app's public key, then read it."""
        found = _ACK.match(body)
        if found is None:
            raise BadAcknowledgement("not an answer")
        if found["charset"].decode().upper() != self.charset.upper():
            raise BadAcknowledgement("another charset")
        if not verifies(self.app_public_key, found["inner"], found["sign"].decode(), found["type"].decode()):
            raise BadAcknowledgement("wrong signature")
        return self._inner(found["inner"].decode(self.charset))

    def _inner(self, inner: str) -> Acknowledgement:
        root = ET.fromstring(f"<response>{inner}</response>")
        success, message = root.findtext("success"), root.find("XML")
        if message is not None:
            return Acknowledgement(True, fields={each.tag: each.text or "" for each in message})
        if success not in ("true", "false"):
            raise BadAcknowledgement("neither true nor false")
        content, code = root.findtext("biz_content") or "", root.findtext("error_code") or ""
        if success == "true" and content not in ("", public_base64(self.app_public_key)):
            raise BadAcknowledgement("another public key")
        return Acknowledgement(success == "true", public_key=content, error_code=code)

    def _acknowledged(self, body: bytes) -> bool:
        try:
            return self.read(body).success
        except BadAcknowledgement:
            return False

    # the parts of a message

    def _gateway(self, service: str, xml: str) -> Push:
        return self.signed({"service": service, "biz_content": xml})

    def _message(self, user: str, kind: str, body: Mapping[str, object]) -> Push:
        return self._gateway(MESSAGE, self._xml(user, kind, body))

    def _xml(self, user: str, kind: str, body: Mapping[str, object]) -> str:
        head = {
            "AppId": self.app_id,
            "FromUserId": user and f"open-{user}",
            "CreateTime": str(self._millis()),
        }
        person = {"FromAlipayUserId": user} if user else {}
        return _element("XML", {**head, **person, "MsgType": kind, **body})

    def _millis(self) -> int:
        return int(self.clock.wire().timestamp() * 1000)

    def _next(self) -> str:
        self._count += 1
        return f"{self._millis()}{self._count:06d}"


def _scene(scene: str) -> str:
    return json.dumps({"scene": {"sceneId": scene}}) if scene else ""


def _element(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(each, inner) for each, inner in value.items())}</{name}>"
    safe = str(value).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{safe}]]></{name}>" if safe else f"<{name}/>"


async def _attempt(post: Post, push: Push) -> tuple[int | None, bytes]:
    try:
        return await post(push)
    except (TimeoutError, OSError):
        return None, b""
