"""The sending side of both WeChat channels: which way is which call."""

from __future__ import annotations

from collections.abc import Mapping

from bot.channels.names import MINI, OFFICIAL
from bot.channels.outbound import FilledTemplate, Outgoing, SendFailed, Sent, Trouble, Way, Words
from bot.channels.wechat.api import Filled, WeChatApi

_WAYS: Mapping[str, frozenset[Way]] = {
    OFFICIAL: frozenset({Way.CUSTOMER_SERVICE, Way.TEMPLATE}),
    MINI: frozenset({Way.CUSTOMER_SERVICE, Way.SUBSCRIPTION}),
}
_LANGUAGES: Mapping[str, str] = {"zh": "zh_CN", "en": "en_US"}


class WeChatOutbound:
    """Sends over one app. `page_state` says which version of the mini-program a notice opens; `page_of` is the app
    id of the mini-program that a template of the official account opens, if it opens one."""

    def __init__(
        self, channel: str, api: WeChatApi, *, page_state: str = "formal", page_of: str | None = None
    ) -> None:
        self.channel = channel
        self.app = api.shared.name
        self.ways = _WAYS[channel]
        self.idempotent: frozenset[Way] = (
            frozenset()
        )  # a later try may go another way: it is not left to that
        self._api = api
        self._page_state = page_state
        self._page_of = page_of

    async def send(self, way: Way, address: str, outgoing: Outgoing, *, key: str) -> Sent:
        """Send one message; SendFailed for everything that goes wrong."""
        if way in self.ways:
            if isinstance(outgoing, Words) and way == Way.CUSTOMER_SERVICE:
                return await self._api.send_custom(address, outgoing.text)
            if isinstance(outgoing, FilledTemplate) and way == Way.SUBSCRIPTION:
                return await self._api.send_subscribe(
                    address,
                    _filled(outgoing),
                    state=self._page_state,
                    language=_LANGUAGES.get(outgoing.language, _LANGUAGES["zh"]),
                )
            if isinstance(outgoing, FilledTemplate) and way == Way.TEMPLATE:
                return await self._api.send_template(
                    address, _filled(outgoing), key=key, page_of=self._page_of
                )
        raise SendFailed(Trouble.CONTENT, "way_not_offered")

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()


def _filled(outgoing: FilledTemplate) -> Filled:
    return Filled(outgoing.template_id, outgoing.fields, outgoing.page)
