"""Token buckets and callers: so many calls a minute, for whom, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Misconfigured
from handlers.http.api.limits import Buckets, client_address, trusted_networks
from tests.fakes.clock import FakeClock
from tests.handlers.http.api.front import Front
from tests.service import running

AT = datetime(2020, 2, 20, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_bucket_gives_a_minute_at_once_and_then_one_by_one() -> None:
    buckets = Buckets(6)
    assert [buckets.take("li", AT).remaining for _ in range(6)] == [5, 4, 3, 2, 1, 0]
    refused = buckets.take("li", AT)
    assert (refused.allowed, refused.retry_after, refused.reset) == (False, 10, 60)
    assert not buckets.take("li", AT + 9 * SECOND).allowed
    assert buckets.take("li", AT + 10 * SECOND).allowed
    assert buckets.take("wang", AT).allowed


def test_clock_that_goes_back_gives_nothing() -> None:
    buckets = Buckets(1)
    buckets.take("li", AT)
    assert not buckets.take("li", AT - 60 * SECOND).allowed


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 20))
def test_no_more_than_the_limit_and_its_refill_is_ever_allowed(pauses: list[int], limit: int) -> None:
    buckets, at, allowed = Buckets(limit), AT, 0
    for pause in pauses:
        at += pause * SECOND
        allowed += buckets.take("li", at).allowed
    assert allowed <= limit + (at - AT).total_seconds() * limit / 60 + 1e-6


def test_callers_seen_longest_ago_are_forgotten_first() -> None:
    buckets = Buckets(1, most=2)
    for caller in ("li", "wang", "zhao"):
        buckets.take(caller, AT)
    assert len(buckets) == 2
    assert not buckets.take("zhao", AT).allowed
    assert buckets.take("li", AT).allowed


PROXIES = trusted_networks("10.0.0.1, 192.168.0.0/16")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("1.2.3.4", [], "1.2.3.4"),
        ("1.2.3.4", ["5.6.7.8"], "1.2.3.4"),  # nobody believes a stranger
        ("10.0.0.1", ["5.6.7.8"], "5.6.7.8"),
        ("10.0.0.1", ["9.9.9.9, 5.6.7.8"], "5.6.7.8"),  # what stands to the left may be made up
        ("10.0.0.1", ["9.9.9.9, 5.6.7.8, 192.168.3.4"], "5.6.7.8"),
        ("10.0.0.1", ["9.9.9.9", "5.6.7.8"], "5.6.7.8"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["5.6.7.8"], "5.6.7.8"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        (None, [], "unknown"),
    ],
)
def test_caller_is_the_rightmost_address_that_is_no_proxy(
    peer: str | None, forwarded: list[str], client: str
) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


def test_setting_that_names_no_address_is_refused() -> None:
    with pytest.raises(Misconfigured, match="YIMA_TRUSTED_PROXIES"):
        trusted_networks("proxy.example")


async def test_sessions_are_limited_each_by_itself(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock, api_calls_per_minute=20) as service:
        li, wang = await Front(service).log_in(), await Front(service, "wang").log_in()
        for left in range(19, -1, -1):
            answer = await li.get("/me")
            assert (answer.status, answer.headers["RateLimit-Remaining"]) == (200, str(left))
        refused = await li.get("/me")
        assert (refused.status, refused.kind) == (429, "too_many")
        assert (refused.headers["Retry-After"], refused.headers["RateLimit-Limit"]) == ("3", "20")
        assert (await wang.get("/me")).status == 200
        clock.advance(3 * SECOND)
        assert (await li.get("/me")).status == 200


async def test_logins_are_limited_by_address(database_url: str) -> None:
    async with running(database_url, logins_per_minute=2, trusted_proxies="127.0.0.1") as service:
        for number in range(2):
            body = {"platform": "simulator", "code": f"user {number}"}
            assert (await Front(service).post("/sessions", body, X_Forwarded_For="5.6.7.8")).status == 201
        body = {"platform": "simulator", "code": "one more"}
        refused = await Front(service).post("/sessions", body, X_Forwarded_For="9.9.9.9, 5.6.7.8")
        assert (refused.status, refused.kind) == (429, "too_many")
        assert (await Front(service).post("/sessions", body, X_Forwarded_For="5.6.7.9")).status == 201


async def test_strangers_who_try_tokens_are_limited(database_url: str) -> None:
    async with running(database_url, logins_per_minute=10) as service:
        answers = [await Front(service, token=f"{number:064x}").get("/me") for number in range(11)]
        assert [answer.status for answer in answers] == [401] * 10 + [429]
