"""What the doors find in the application."""

from __future__ import annotations

from aiohttp import web

from bot.channels.wechat.official import OfficialAccount
from bot.clock import Clock
from bot.conversation.engine import Engine
from bot.conversation.turn import Tools
from bot.metrics import Metrics
from bot.services.rescorer import Rescorer
from bot.store.database import Database

CLOCK = web.AppKey("clock", Clock)
DATABASE = web.AppKey("database", Database)
ENGINE = web.AppKey("engine", Engine)
METRICS = web.AppKey("metrics", Metrics)
OFFICIAL = web.AppKey("official", OfficialAccount)
RESCORER = web.AppKey("rescorer", Rescorer)
TOOLS = web.AppKey("tools", Tools)
