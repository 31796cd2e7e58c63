"""The platforms' channels by the names under which accounts, notices and metrics know them."""

from __future__ import annotations

OFFICIAL = "wechat_official"
MINI = "wechat_mini"
ALIPAY = "alipay"
