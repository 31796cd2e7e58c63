"""What every service needs to know and no message carries: schemes, rule books, risk levels, keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.core.model import RiskMap
from bot.core.rulebook import RuleBooks
from bot.services.real_name import RealNameService
from bot.services.schemes import Schemes
from bot.store.sealing import KeyRing


@dataclass(slots=True)
class World:
    """`risk` and `rulebooks` are replaced as a whole when they change, never edited."""

    keys: KeyRing
    schemes: Schemes
    rulebooks: RuleBooks
    real_name: RealNameService
    risk: RiskMap = field(default_factory=lambda: RiskMap([]))
    confirmed_rulebooks: frozenset[str] = frozenset()
