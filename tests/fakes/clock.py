"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.clock import Clock

MORNING = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)  # nine o'clock in Shanghai


class FakeClock(Clock):
    """Both times are the same and move only by `advance`."""

    def __init__(self, at: datetime = MORNING) -> None:
        super().__init__()
        self.at = at

    def wire(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by
