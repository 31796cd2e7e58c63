"""Alipay's door: opens what the platform posts to the app's gateway, and signs what it is answered.

| what arrives                                     | `kind`            | answer                      | how old it may be   |
| ------------------------------------------------ | ----------------- | --------------------------- | ------------------- |
| `service=alipay.service.check`                   | `check`           | signed, shows our key       | any age             |
| `service=alipay.mobile.public.message.notify`    | that of a message | signed acknowledgement      | `window_seconds`    |
| `msg_method=…`, a notification                   | `notification_…`  | `success`                   | 26 hours            |
| another `service`                                | `service_other`   | `success`                   | any age             |

The ages differ for reasons. A message repeated late would be answered as if it had just been said, so only the few
minutes of the platform's own retries are taken. A notification is repeated for 25 hours, has an id that tells every
repetition, and changes nothing here. A check replayed gives away what anybody may know, and may come by hand long
after the console made it; what isn't understood has no effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.channels.alipay.aes import ContentCipher
from bot.channels.alipay.form import Charset, Form, read_form
from bot.channels.alipay.markup import acknowledgement, read_fields, wrap_answer
from bot.channels.alipay.messages import read_message, sending_time
from bot.channels.alipay.notifications import read_notification
from bot.channels.alipay.signing import PREFIX, Verifier, signing_parts
from bot.channels.names import ALIPAY
from bot.errors import Misconfigured, Refused
from bot.message import Incoming

CHECK = "alipay.service.check"
MESSAGE = "alipay.mobile.public.message.notify"
SUCCESS = b"success"
RETRIES_LAST = timedelta(
    hours=26
)  # 25 hours by the platform's schedule, and one for two clocks and a slow door


class Answer(StrEnum):
    """How something is acknowledged."""

    CHECKED = "checked"
    SIGNED = "signed"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class AlipayGatewaySettings:
    """What the console of one app says; keys are texts (PEM or base64) and never show in its representation."""

    app_id: str
    private_key: str = field(repr=False)
    alipay_public_key: str = field(repr=False)
    aes_key: str = field(default="", repr=False)
    sign_types: tuple[str, ...] = ("RSA2",)
    window_seconds: int = 600


@dataclass(frozen=True, slots=True)
class Opened:
    """One request that was let in.

    `incoming` is None for what has no answer of ours, `kind` names it for the counter, `key` is the same for every
    delivery of it ("" for a check). The rest is what the acknowledgement needs.
    """

    incoming: Incoming | None
    kind: str
    key: str = field(repr=False)
    answer: Answer
    charset: Charset
    account: str = field(default="", repr=False)


class CheckFailed(Refused):
    """The console's check of this address was not the platform's; it is told so in a signed answer."""

    def __init__(self, reason: str, charset: Charset) -> None:
        super().__init__(reason)
        self.charset = charset


class AlipayGateway:
    """The gateway of one app; every refusal is `Refused` with its reason, whatever arrives."""

    name = ALIPAY

    def __init__(self, settings: AlipayGatewaySettings) -> None:
        if not settings.app_id or not settings.app_id.isalnum() or not settings.app_id.isascii():
            raise Misconfigured(f"{PREFIX}APP_ID must be the letters and digits that the console shows")
        if settings.window_seconds <= 0:
            raise Misconfigured(f"{PREFIX}WINDOW_SECONDS must be more than nothing")
        self._app_id = settings.app_id
        self._window = timedelta(seconds=settings.window_seconds)
        self._signer, keys = signing_parts(
            settings.private_key, settings.alipay_public_key, settings.sign_types
        )
        self._verifier = Verifier(keys, settings.sign_types)
        self._cipher = ContentCipher(settings.aes_key) if settings.aes_key else None
        shown = f"<biz_content>{self._signer.public_base64}</biz_content>" if keys.shows_our_key else ""
        self._passed = self._signed_once(f"<success>true</success>{shown}")
        # signed at the start: whoever knocks without a signature must not cost one each time
        self._failed = self._signed_once(
            f"<success>false</success><error_code>VERIFY_FAILED</error_code>{shown}"
        )

    def open(self, raw_body: bytes, *, wire: datetime, received_at: datetime) -> Opened:
        """Verify, decrypt and read one request; `wire` is real time, `received_at` business time.

        CheckFailed for a check that isn't right, which `refuse` answers.
        """
        form = read_form(raw_body)
        try:
            self._verifier.check_form(form.raw)
            return self._read(form, wire=wire, received_at=received_at)
        except Refused as error:
            if form.raw.get("service") == CHECK.encode():
                raise CheckFailed(error.reason, form.charset) from error
            raise

    def acknowledge(self, opened: Opened, *, wire: datetime) -> tuple[bytes, str]:
        """The body of the answer, in the charset of the request, and its content type."""
        if opened.answer is Answer.WORD:
            return SUCCESS, "text/plain"
        if opened.answer is Answer.CHECKED:
            inner, signature = self._passed
        else:
            milliseconds = int(wire.timestamp() * 1000)
            inner, signature = self._signed_once(acknowledgement(opened.account, self._app_id, milliseconds))
        return self._wrapped(inner, signature, opened.charset), content_type(opened.charset)

    def refuse(self, error: Refused) -> bytes:
        """The body for a refusal: signed for a failed check, else empty. Its content type is `content_type`'s."""
        if not isinstance(error, CheckFailed):
            return b""
        inner, signature = self._failed
        return self._wrapped(inner, signature, error.charset)

    def _read(self, form: Form, *, wire: datetime, received_at: datetime) -> Opened:
        service = form.text("service")
        if service == CHECK:
            self._check_app(form, read_fields(self._content(form)).get("AppId", ""))
            return Opened(None, "check", "", Answer.CHECKED, form.charset)
        if service == MESSAGE:
            return self._read_message(form, wire=wire, received_at=received_at)
        if form.text("msg_method"):
            return self._read_notification(form, wire=wire)
        if not service:
            raise Refused("missing_service")
        self._check_app(form)
        return Opened(None, "service_other", "", Answer.WORD, form.charset)

    def _read_message(self, form: Form, *, wire: datetime, received_at: datetime) -> Opened:
        fields = read_fields(self._content(form))
        self._check_app(form, fields.get("AppId", ""))
        if abs(wire - sending_time(fields)) > self._window:
            raise Refused("stale_timestamp")
        received = read_message(fields, received_at=received_at)
        key = received.incoming.key if received.incoming else ""
        return Opened(
            received.incoming, received.kind, key, Answer.SIGNED, form.charset, account=received.account
        )

    def _read_notification(self, form: Form, *, wire: datetime) -> Opened:
        notification = read_notification(form, self._content(form))
        self._check_app(form, notification.app_id)
        if notification.sent_at is not None:
            age = wire - notification.sent_at
            if age > RETRIES_LAST or -age > self._window:
                raise Refused("stale_timestamp")
        return Opened(None, notification.kind, notification.key, Answer.WORD, form.charset)

    def _content(self, form: Form) -> str:
        """The content as text, decrypted if it says so: it was signed as it travelled."""
        encryption = form.text("encrypt_type")
        if not encryption:
            return form.text("biz_content")
        if encryption != "AES" or self._cipher is None:
            raise Refused("wrong_mode")
        return form.charset.decode(self._cipher.decrypt(form.raw.get("biz_content", b"")))

    def _check_app(self, form: Form, *named: str) -> None:
        """Refuse what is for another app: every id that is given is ours, and one is given."""
        given = {app_id.strip() for app_id in (form.text("app_id"), *named)} - {""}
        if given != {self._app_id}:
            raise Refused("wrong_app_id")

    def _signed_once(self, inner: str) -> tuple[str, str]:
        return inner, self._signer.sign(inner.encode("ascii"))

    def _wrapped(self, inner: str, signature: str, charset: Charset) -> bytes:
        return wrap_answer(inner, charset=charset.name, signature=signature, sign_type=self._signer.sign_type)


def content_type(charset: Charset) -> str:
    """The content type of a signed answer."""
    return f"text/xml; charset={charset.name}"
