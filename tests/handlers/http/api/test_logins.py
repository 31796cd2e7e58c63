"""Logging in and out: one session for one login, however often it is repeated, and none for strangers."""

from __future__ import annotations

from datetime import timedelta

from bot.channels.login import LoginRefused, PlatformUser
from bot.errors import Unavailable
from bot.store.sessions import hash_of
from handlers.http.api.calls import API
from tests.fakes.clock import FakeClock
from tests.handlers.http.api.front import Front, new_key
from tests.service import Service, running


class OnceOnly:
    """A platform that knows each code once."""

    channel = "wechat_mini"

    def __init__(self) -> None:
        self.codes = {"code-of-li": "openid-li", "code-of-wang": "openid-wang"}
        self.down = False

    async def log_in(self, code: str) -> PlatformUser:
        if self.down:
            raise Unavailable
        if code not in self.codes:
            raise LoginRefused("used")
        return PlatformUser(self.codes.pop(code))


def with_platform(service: Service) -> OnceOnly:
    """The mini-program's platform in front of a service."""
    platform = OnceOnly()
    service.app[API].logins["wechat_mini"] = platform  # type: ignore[index]  # the door's own dictionary
    return platform


async def test_login_gives_a_token_that_lasts_as_set(front: Front) -> None:
    answer = await front.post("/sessions", {"platform": "simulator", "code": "li"})
    assert answer.status == 201
    assert answer.body["consent"] == "none"
    assert answer.body["expires_at"] == "2020-02-20T03:00:00Z"
    assert len(answer.body["token"]) == 64


async def test_only_the_hash_of_a_token_is_stored_anywhere(front: Front) -> None:
    await front.log_in()
    everything = repr(await front.service.stored())
    assert front.token not in everything
    assert hash_of(front.token) in everything


async def test_login_repeated_with_its_key_is_the_same_session_though_the_code_is_used(front: Front) -> None:
    with_platform(front.service)
    body, key = {"platform": "wechat_mini", "code": "code-of-li"}, new_key()
    first = await front.post("/sessions", body, key=key)
    again = await front.post("/sessions", body, key=key)
    assert (first.status, first.body) == (again.status, again.body) == (201, first.body)
    assert await front.service.rows("SELECT count(*) FROM sessions") == [(1,)]


async def test_used_code_under_another_key_is_refused(front: Front) -> None:
    with_platform(front.service)
    body = {"platform": "wechat_mini", "code": "code-of-li"}
    assert (await front.post("/sessions", body)).status == 201
    answer = await front.post("/sessions", body)
    assert (answer.status, answer.kind) == (401, "login_refused")


async def test_platform_that_is_down_is_a_problem_that_passes(front: Front) -> None:
    platform = with_platform(front.service)
    platform.down = True
    answer = await front.post("/sessions", {"platform": "wechat_mini", "code": "code-of-li"})
    assert (answer.status, answer.kind) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"


async def test_platform_that_is_not_set_up_is_not_offered(front: Front) -> None:
    answer = await front.post("/sessions", {"platform": "alipay", "code": "x"})
    assert (answer.status, answer.wrong) == (422, {"platform": "not_offered"})


async def test_two_accounts_of_one_key_are_two_sessions(front: Front) -> None:
    key = new_key()
    li = await front.post("/sessions", {"platform": "simulator", "code": "li"}, key=key)
    wang = await front.post("/sessions", {"platform": "simulator", "code": "wang"}, key=key)
    assert li.body["token"] != wang.body["token"]


async def test_session_ends_by_itself_and_is_forgotten(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        front = await Front(service).log_in()
        clock.advance(timedelta(minutes=119))
        assert (await front.get("/me")).status == 200
        clock.advance(timedelta(minutes=1))
        answer = await front.get("/me")
        assert (answer.status, answer.kind) == (401, "login_needed")
        await Front(service, "wang").log_in()
        assert await service.rows("SELECT count(*) FROM sessions") == [(1,)]


async def test_logged_out_token_is_refused_and_its_login_cannot_be_repeated(front: Front) -> None:
    key, body = new_key(), {"platform": "simulator", "code": "li"}
    front.token = (await front.post("/sessions", body, key=key)).body["token"]
    assert (await front.call("DELETE", "/sessions/current")).status == 204
    assert (await front.get("/me")).kind == "login_needed"
    assert (await front.post("/sessions", body, key=key)).kind == "login_refused"


async def test_logging_out_leaves_other_sessions_alone(front: Front) -> None:
    other = await Front(front.service).log_in()
    await front.log_in()
    await front.call("DELETE", "/sessions/current")
    assert (await other.get("/me")).status == 200


async def test_every_refusal_of_a_stranger_is_the_same(front: Front) -> None:
    shown = []
    for said in ("", "Bearer", "Bearer x", "Basic bGk6bGk=", f"Bearer {'0' * 64}", f"bearer  {'0' * 64}"):
        answer = await front.get("/me", Authorization=said)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        shown.append({name: value for name, value in answer.body.items() if name != "instance"})
    assert shown[0]["type"] == "urn:yima:problem:login_needed"
    assert all(each == shown[0] for each in shown)


async def test_session_is_the_account_that_chats_on_the_platform(front: Front) -> None:
    """What was agreed to in the chat is agreed to here."""
    chat = {"user": front.user, "text": "同意"}
    for text in ("你好", "同意"):
        await front.service.client.post("/simulator/messages", json={**chat, "text": text})
    await front.log_in()
    assert (await front.get("/me")).body["consent"] == "given"


async def test_new_account_speaks_the_language_it_came_with(front: Front) -> None:
    body = {"platform": "simulator", "code": "li"}
    answer = await front.post("/sessions", body, Accept_Language="fr, en;q=0.8, zh;q=0.5")
    front.token = answer.body["token"]
    assert (await front.get("/me")).body["language"] == "en"
