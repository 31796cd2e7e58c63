"""How much may go over one app now: its share of the slots, its rate, and a rest while it fails.

Nothing here waits: whoever sends asks for room, and is told when time alone will bring some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from bot.channels.outbound import Trouble

_SAVED_UP = 0.1  # seconds of its rate that an idle app saves up
_SEVERAL = 5  # failures in a row after which an app rests
_LONGEST_REST = 60.0  # seconds
_FAILS = frozenset({Trouble.RETRY, Trouble.UNKNOWN})
_CLOSES = frozenset({Trouble.QUOTA, Trouble.TOKEN})  # what is known at once to hold for the app as a whole


class Bucket:
    """At most `rate` sends a second: no stretch of t seconds sees more than a tenth of the rate plus t times it.

    `at` is the loop's time in seconds.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.burst = max(1.0, rate * _SAVED_UP)
        self._tokens = self.burst
        self._at = 0.0

    def available(self, at: float) -> int:
        """How many may go now."""
        if at > self._at:
            self._tokens = min(self.burst, self._tokens + (at - self._at) * self.rate)
            self._at = at
        return int(self._tokens + 1e-9)

    def take(self) -> None:
        """One goes."""
        self._tokens -= 1

    def seconds_until_one(self, at: float) -> float:
        """How long until one may go; 0 if one may go now."""
        return 0.0 if self.available(at) else max(0.0, (1 - self._tokens) / self.rate)


class Lane:
    """The way over one app: how many are under way there, how fast they may go, and how it has answered."""

    def __init__(self, share: int, rate: float | None) -> None:
        self.under_way = 0
        self._share = share
        self._bucket = Bucket(rate) if rate is not None else None
        self._failed = 0  # in a row
        self._rests = 0  # in a row
        self._rests_until: datetime | None = None

    def room(self, at: float, wire: datetime) -> int:
        """How many more may be sent now; after a rest one alone tries whether the app is back."""
        if self.resting(wire):
            return 0
        slots = (1 if self._rests else self._share) - self.under_way
        if self._bucket is not None:
            slots = min(slots, self._bucket.available(at))
        return max(0, slots)

    def begin(self) -> None:
        """One is being sent."""
        self.under_way += 1
        if self._bucket is not None:
            self._bucket.take()

    def end(self) -> None:
        """One is no longer being sent."""
        self.under_way -= 1

    def note(self, trouble: Trouble | None, retry_after: float | None, wire: datetime) -> None:
        """How the app answered: None, it took the message."""
        if trouble in _FAILS:
            self._failed += 1
            if self._failed >= _SEVERAL and not self.resting(wire):
                self._rest(min(2.0**self._rests, _LONGEST_REST), retry_after, wire)
        elif trouble in _CLOSES:
            if not self.resting(wire):
                self._rest(min(2.0**self._rests, _LONGEST_REST), retry_after, wire)
        elif trouble is not Trouble.PERMISSION:  # which may concern one template alone: it says nothing here
            self._failed = self._rests = 0
            self._rests_until = None

    def resting(self, wire: datetime) -> bool:
        """Whether it has failed so often that it is left alone."""
        return self._rests_until is not None and wire < self._rests_until

    def opens_in(self, at: float, wire: datetime) -> float | None:
        """Seconds until time alone brings room; None if that is up to what is under way."""
        if self._rests_until is not None and self.resting(wire):
            return (self._rests_until - wire).total_seconds()
        if self._bucket is None or self.under_way >= (1 if self._rests else self._share):
            return None
        return self._bucket.seconds_until_one(at)

    def _rest(self, seconds: float, retry_after: float | None, wire: datetime) -> None:
        self._rests += 1
        # the client keeps the longer pauses where all processes see them; this one only spares the app
        asked = min(retry_after or 0.0, _LONGEST_REST)
        self._rests_until = wire + timedelta(seconds=max(seconds, asked))


def lanes(names: Iterable[str], at_once: int, rates: Mapping[str, float]) -> dict[str, Lane]:
    """A lane for each app; of several none can take all slots, whatever hangs there."""
    wanted = sorted(names)
    share = at_once if len(wanted) < 2 else max(1, at_once - max(1, at_once // 4))
    return {name: Lane(share, rates.get(name)) for name in wanted}
