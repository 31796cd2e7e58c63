"""What the doors find in the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from aiohttp import web

from bot.channels.alipay.gateway import AlipayGateway
from bot.channels.wechat.mini import MiniProgram
from bot.channels.wechat.official import OfficialAccount
from bot.clock import Clock
from bot.conversation.engine import Engine
from bot.conversation.turn import Tools
from bot.metrics import Metrics
from bot.notices.dispatcher import Dispatcher
from bot.services.rescorer import Rescorer
from bot.store.database import Database
from handlers.http.typing_indicator import TypingIndicator

ALIPAY = web.AppKey("alipay", AlipayGateway)
CLOCK = web.AppKey("clock", Clock)
CLOCK_MOVER: web.AppKey[Callable[[timedelta], Awaitable[None]]] = web.AppKey("clock_mover")
DATABASE = web.AppKey("database", Database)
DISPATCHER = web.AppKey("dispatcher", Dispatcher)
ENGINE = web.AppKey("engine", Engine)
JOB_STATES: web.AppKey[Callable[[], Awaitable[Mapping[str, Mapping[str, object]]]]] = web.AppKey("job_states")
METRICS = web.AppKey("metrics", Metrics)
MINI = web.AppKey("mini", MiniProgram)
OFFICIAL = web.AppKey("official", OfficialAccount)
RESCORER = web.AppKey("rescorer", Rescorer)
TOOLS = web.AppKey("tools", Tools)
TYPING = web.AppKey("typing", TypingIndicator)
