"""What every service needs to know and no message carries: schemes, rule books, risk levels, keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from bot.clock import Clock
from bot.core.model import RiskMap
from bot.core.rulebook import BookHistory, RuleBook, RuleBooks
from bot.services.policy import Policies
from bot.services.real_name import RealNameService
from bot.services.schemes import Schemes
from bot.store.sealing import KeyRing

if TYPE_CHECKING:
    from bot.services.retention import Retention


@dataclass(slots=True)
class World:
    """`risk` and `rulebooks` are replaced as a whole when they change, never edited.

    `public_url` is where residents reach this service, without a slash at the end; empty: no links are given.
    `wire` is real time, for what ends whether or not a clock is moved. `retention`: what is kept how long.
    """

    keys: KeyRing
    schemes: Schemes
    rulebooks: RuleBooks
    real_name: RealNameService
    risk: RiskMap = field(default_factory=lambda: RiskMap([]))
    confirmed_rulebooks: frozenset[str] = frozenset()
    policies: Policies = field(default_factory=Policies)
    public_url: str = ""
    wire: Callable[[], datetime] = Clock().wire
    retention: Retention | None = None

    def books(self, scheme_id: str) -> BookHistory | None:
        """All versions of the rule book that decides that scheme (several may share one); None if none does."""
        return self.rulebooks.history(self._named(scheme_id))

    def book(self, scheme_id: str, at: datetime) -> RuleBook | None:
        """The version in force at that instant for that scheme."""
        return self.rulebooks.in_force(self._named(scheme_id), at)

    def _named(self, scheme_id: str) -> str:
        """The rule book that a scheme names, which is none of ours where it has none."""
        scheme = self.schemes.get(scheme_id)
        return "" if scheme is None else scheme.rulebook or ""
