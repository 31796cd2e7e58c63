"""Builds every platform that is set up: its door, its sending side, its logins, and what it can be sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.channels.alipay.gateway import AlipayGateway, AlipayGatewaySettings
from bot.channels.alipay.keys import PRIVATE_KEY, PUBLIC_KEY, read_key_file
from bot.channels.alipay.login import AlipayLogin
from bot.channels.alipay.openapi import AlipayApi, AlipayApiSettings
from bot.channels.alipay.rests import AppRests
from bot.channels.alipay.sending import AlipayOutbound
from bot.channels.http import HttpCaller
from bot.channels.login import Login
from bot.channels.names import ALIPAY, MINI, OFFICIAL
from bot.channels.outbound import Outbound
from bot.channels.simulator import SimulatorOutbound
from bot.channels.wechat.api import WeChatApi
from bot.channels.wechat.login import WeChatLogin
from bot.channels.wechat.mini import MiniProgram, MiniSettings
from bot.channels.wechat.official import OfficialAccount, OfficialSettings
from bot.channels.wechat.sending import WeChatOutbound
from bot.channels.wechat.tokens import TokenManager
from bot.errors import Misconfigured
from bot.notices.reachability import Offer
from bot.store.platform_states import PlatformStates
from config.settings import AlipaySettings, OfficialAccountSettings, Settings

_SPARE_CONNECTIONS = 16  # for tokens, logins and typing, beside the sends


@dataclass(slots=True)
class Platforms:
    """What is set up, by channel. `typing` shows somebody on the mini-program that their message is worked on."""

    official: OfficialAccount | None = None
    mini: MiniProgram | None = None
    alipay: AlipayGateway | None = None
    outbounds: dict[str, Outbound] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    pace: dict[str, float] = field(default_factory=dict)
    templates: dict[str, Mapping[str, str]] = field(default_factory=dict)
    typing: Callable[[str], Awaitable[None]] | None = None

    @property
    def template_kinds(self) -> dict[tuple[str, str], str]:
        """The kind of notice behind each of the platforms' templates."""
        return {
            (channel, template_id): kind
            for channel, kinds in self.templates.items()
            for kind, template_id in kinds.items()
        }

    def add(
        self, outbound: Outbound, *, pace: float, templates: Mapping[str, str], worded: frozenset[str]
    ) -> None:
        """A channel that can be sent to; Misconfigured for a template that would never be used."""
        name = outbound.channel
        variable = f"YIMA_{name.upper()}__TEMPLATES"
        if unknown := sorted(set(templates) - worded):
            raise Misconfigured(f"{variable} names {', '.join(unknown)}: there are no words for that")
        given = {kind: each for kind, each in templates.items() if each}
        if len(set(given.values())) != len(given):
            raise Misconfigured(f"{variable} has one template for two kinds of notice")
        self.outbounds[name] = outbound
        self.pace[name] = pace
        self.templates[name] = given
        self.offers[name] = Offer(name, outbound.app, outbound.ways, frozenset(self.templates[name]))


def build_platforms(
    settings: Settings, states: PlatformStates, worded: Callable[[str], frozenset[str]]
) -> Platforms:
    """Everything that the settings name; Misconfigured for what can't be used.

    `worded` says which kinds of notice have words for a channel's templates.
    """
    made = Platforms()
    connections = settings.sends_at_once + _SPARE_CONNECTIONS
    if settings.wechat_official.app_id:
        channel = settings.wechat_official
        made.official = OfficialAccount(OfficialSettings(**_door(channel)))
        if channel.secret.get_secret_value():
            api = _wechat_api(OFFICIAL, channel, states, connections)
            page_of = settings.wechat_mini.app_id or None
            outbound = WeChatOutbound(OFFICIAL, api, page_of=page_of)
            made.add(
                outbound, pace=channel.sends_per_second, templates=channel.templates, worded=worded(OFFICIAL)
            )
    if settings.wechat_mini.app_id:
        mini = settings.wechat_mini
        made.mini = MiniProgram(MiniSettings(**_door(mini), format=mini.format))
        api = _wechat_api(MINI, mini, states, connections)
        made.add(
            WeChatOutbound(MINI, api, page_state=mini.page_state),
            pace=mini.sends_per_second,
            templates=mini.templates,
            worded=worded(MINI),
        )
        made.logins[MINI] = WeChatLogin(MINI, api)
        made.typing = partial(api.typing, on=True)
    if settings.alipay.app_id:
        _add_alipay(made, settings.alipay, states, connections, worded(ALIPAY))
    if not settings.production:
        made.add(SimulatorOutbound(states.clock), pace=1000, templates={}, worded=frozenset())
    return made


def _door(channel: OfficialAccountSettings) -> dict[str, Any]:
    return {
        "app_id": channel.app_id,
        "token": channel.token.get_secret_value(),
        "aes_key": channel.aes_key.get_secret_value() or None,
        "previous_aes_key": channel.previous_aes_key.get_secret_value() or None,
        "mode": channel.mode,
        "window_seconds": channel.window_seconds,
    }


def _wechat_api(
    name: str, channel: OfficialAccountSettings, states: PlatformStates, connections: int
) -> WeChatApi:
    caller = HttpCaller(connections=connections)
    shared = states.of(f"{name}:{channel.app_id}")
    base, app_id, secret = channel.api_base, channel.app_id, channel.secret.get_secret_value()
    tokens = TokenManager(caller, shared, base=base, app_id=app_id, secret=secret)
    return WeChatApi(caller, tokens, base=base, app_id=app_id, secret=secret, clock=states.clock)


def _add_alipay(
    made: Platforms,
    channel: AlipaySettings,
    states: PlatformStates,
    connections: int,
    worded: frozenset[str],
) -> None:
    private_key = read_key_file(channel.private_key_file, PRIVATE_KEY)
    public_key = read_key_file(channel.alipay_public_key_file, PUBLIC_KEY)
    sign_types = tuple(each.strip() for each in channel.sign_types.split(","))
    made.alipay = AlipayGateway(
        AlipayGatewaySettings(
            app_id=channel.app_id,
            private_key=private_key,
            alipay_public_key=public_key,
            aes_key=channel.aes_key.get_secret_value(),
            sign_types=sign_types,
            window_seconds=channel.window_seconds,
        )
    )
    api = AlipayApi(
        HttpCaller(connections=connections),
        AlipayApiSettings(
            app_id=channel.app_id,
            private_key=private_key,
            alipay_public_key=public_key,
            gateway_url=channel.gateway_url,
            aes_key=channel.aes_key.get_secret_value(),
            sign_types=sign_types,
        ),
        clock=states.clock,
    )
    rests = AppRests(states.of(f"{ALIPAY}:{channel.app_id}"))
    outbound = AlipayOutbound(api, rests)
    made.add(outbound, pace=channel.sends_per_second, templates=channel.templates, worded=worded)
    made.logins[ALIPAY] = AlipayLogin(api, rests)
