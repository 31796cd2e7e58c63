"""The sending side of Alipay: which way is which interface, and what every failure means for the message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from bot.channels.alipay.answers import AnswerUnusable, PlatformRefused
from bot.channels.alipay.openapi import CUSTOM_SEND, TEMPLATE_SEND, AlipayApi
from bot.channels.alipay.rests import AppRests
from bot.channels.http import CallFailed
from bot.channels.names import ALIPAY
from bot.channels.outbound import Effect, FilledTemplate, Outgoing, SendFailed, Sent, Trouble, Way, Words

# A proxy says by any other status that the call got nowhere; by these, that it waited for an answer in vain.
_WAITED = frozenset({408, 504})


class AlipayOutbound:
    """Sends over one app. The platform drops no second message by itself, and names none."""

    channel = ALIPAY
    ways = frozenset({Way.CUSTOMER_SERVICE, Way.TEMPLATE})
    idempotent: frozenset[Way] = frozenset()

    def __init__(self, api: AlipayApi, rests: AppRests) -> None:
        self.app = rests.name
        self._api = api
        self._rests = rests

    async def send(self, way: Way, address: str, outgoing: Outgoing, *, key: str) -> Sent:
        """Send one message; SendFailed for everything that goes wrong."""
        if way is Way.CUSTOMER_SERVICE and isinstance(outgoing, Words):
            return await self._send_text(address, outgoing.text)
        if way is Way.TEMPLATE and isinstance(outgoing, FilledTemplate):
            return await self._send_template(address, outgoing)
        raise SendFailed(Trouble.CONTENT, "way_not_offered")

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    async def _send_text(self, address: str, text: str) -> Sent:
        """As part of the conversation; if its window is shut, through the window that an event has opened.

        The platform has a window for each and no way to ask which one is open. The first refusal is a certain one,
        so nothing can arrive twice.
        """
        send = partial(self._api.send_text, address, text)
        try:
            return await self._taken(partial(send, chat=True), CUSTOM_SEND)
        except SendFailed as failed:
            if failed.effect is not Effect.WINDOW_CLOSED:
                raise
        return await self._taken(partial(send, chat=False), CUSTOM_SEND)

    async def _send_template(self, address: str, filled: FilledTemplate) -> Sent:
        if not filled.form:
            raise SendFailed(Trouble.RECIPIENT, "no_form", effect=Effect.FORM_USED_UP)
        send = partial(
            self._api.send_template,
            address,
            filled.template_id,
            filled.fields,
            form=filled.form,
            page=filled.page,
        )
        return await self._taken(send, TEMPLATE_SEND, filled.template_id)

    async def _taken(self, send: Callable[[], Awaitable[None]], method: str, template_id: str = "") -> Sent:
        await self._rests.check(method, template_id)
        try:
            await send()
        except PlatformRefused as refusal:
            failed = await self._rests.refused(refusal, method, template_id)
        except (CallFailed, AnswerUnusable) as error:
            failed = unanswered(error)
        else:
            await self._rests.worked()
            return Sent()
        raise failed


def unanswered(error: CallFailed | AnswerUnusable) -> SendFailed:
    """What a send means that got no answer to be believed: only some failures say that it didn't arrive."""
    if isinstance(error, AnswerUnusable):
        told = error.reason == "alipay_html"
    else:
        told = not error.written or (error.status is not None and _is_told(error.reason, error.status))
    return SendFailed(Trouble.RETRY if told else Trouble.UNKNOWN, error.reason)


def _is_told(reason: str, status: int) -> bool:
    return reason.startswith("http_") and status not in _WAITED
