"""How often one caller may call: token buckets in the memory of one process, and who counts as one caller."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from bot.errors import Misconfigured

_MOST = 50_000
_HOME_PREFIX = 64  # one IPv6 subscriber has at least so large a network, and any address in it

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Left:
    """What is left after a call: whether it is allowed, of how many, and seconds until one more is / all are."""

    allowed: bool
    limit: int
    remaining: int
    retry_after: int
    reset: int

    def headers(self) -> dict[str, str]:
        """The same as response headers."""
        shown = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        return shown if self.allowed else {**shown, "Retry-After": str(self.retry_after)}


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class Buckets:
    """So many calls a minute for each caller, all at once or spread; the callers seen longest ago are forgotten."""

    def __init__(self, per_minute: int, *, most: int = _MOST) -> None:
        self._limit = per_minute
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str, at: datetime) -> Left:
        """Count one call of that caller at that instant (real time)."""
        bucket = self._buckets.pop(caller, None) or _Bucket(float(self._limit), at)
        passed = max(0.0, (at - bucket.at).total_seconds())
        tokens = min(float(self._limit), bucket.tokens + passed * self._limit / 60)
        allowed = tokens >= 1
        tokens -= allowed
        self._buckets[caller] = _Bucket(tokens, at)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return Left(
            allowed,
            self._limit,
            int(tokens),
            max(1, self._seconds(1 - tokens)),
            self._seconds(self._limit - tokens),
        )

    def _seconds(self, tokens: float) -> int:
        return math.ceil(max(0.0, tokens) * 60 / self._limit)


def trusted_networks(listed: str) -> tuple[Network, ...]:
    """The proxies of a comma-separated setting; Misconfigured for what is no address or network."""
    try:
        return tuple(ip_network(each.strip(), strict=False) for each in listed.split(",") if each.strip())
    except ValueError:
        raise Misconfigured("YIMA_TRUSTED_PROXIES has something that is no address or network") from None


def client_address(peer: str | None, forwarded: list[str], trusted: tuple[Network, ...]) -> str:
    """Who calls: the peer, or behind trusted proxies the right-most address that isn't one of them.

    Everything to the left of that could have been written by the caller. IPv6 callers count by network.
    """
    address = _address(peer or "")
    for said in reversed([part for header in forwarded for part in header.split(",")]):
        if address is None or not any(address in network for network in trusted):
            break
        before = _address(said.strip())
        if before is None:
            break
        address = before
    if address is None:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _HOME_PREFIX), strict=False))
    return str(address)


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
