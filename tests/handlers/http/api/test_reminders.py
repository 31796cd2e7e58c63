"""Reachability, quiet hours and subscriptions, as the front end shows and sets them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.channels.login import PlatformUser
from bot.notices.conditions import BY_REASON
from handlers.http.api.calls import API
from tests.handlers.http.api.front import Front
from tests.service import Service


class AnyCode:
    """A platform whose codes are its users' addresses."""

    def __init__(self, channel: str) -> None:
        self.channel = channel

    async def log_in(self, code: str) -> PlatformUser:
        return PlatformUser(code)


async def on(service: Service, platform: str) -> Front:
    """Somebody on that platform who has agreed."""
    service.app[API].logins[platform] = AnyCode(platform)  # type: ignore[index]  # the door's own dictionary
    front = Front(service)
    front.token = (await front.post("/sessions", {"platform": platform, "code": "user-1"})).body["token"]
    await front.post("/consent", {"agree": True})
    return front


@pytest.fixture
async def with_templates(service: Service) -> AsyncIterator[Service]:
    """A service whose mini-program has a template for changes of colour."""
    engine: Any = service.engine
    before = engine._tools
    engine._tools = replace(before, template_kinds={("wechat_mini", "tpl-colour"): "colour_changed"})
    yield service
    engine._tools = before


async def test_reachable_person_is_told_over_which_channel(front: Front) -> None:
    await front.declared()
    told = (await front.get("/reachability")).body
    assert [(each["kind"], each["reachable"], each["channel"]) for each in told["kinds"]] == [
        ("colour_changed", True, "simulator"),
        ("asked_first", True, "simulator"),
        ("punch_in_reminder", True, "simulator"),
    ]
    assert (told["quiet_from"], told["quiet_until"]) == ("22:00", "07:00")


async def test_unreachable_person_is_told_why(service: Service) -> None:
    front = await on(service, "alipay")
    for each in (await front.get("/reachability")).body["kinds"]:
        assert (each["reachable"], each["channel"], each["way"]) == (False, "", "")
        assert {obstacle["reason"] for obstacle in each["obstacles"]} == {"channel_off"}


async def test_quiet_hours_are_chosen_and_given_back(front: Front) -> None:
    await front.declared()
    chosen = await front.call("PUT", "/reachability/quiet-hours", {"from": "23:30", "until": "06:00"})
    assert (chosen.status, chosen.body) == (200, {"quiet_from": "23:30", "quiet_until": "06:00"})
    assert await front.service.rows("SELECT quiet_from, quiet_until FROM residents") == [(1410, 360)]
    assert (await front.get("/reachability")).body["quiet_from"] == "23:30"
    usual = await front.call("PUT", "/reachability/quiet-hours", {"from": None, "until": None})
    assert usual.body == {"quiet_from": "22:00", "quiet_until": "07:00"}


async def test_quiet_hours_need_both_ends_in_the_right_form(front: Front) -> None:
    await front.declared()
    half = await front.call("PUT", "/reachability/quiet-hours", {"from": "22:00", "until": None})
    assert half.wrong == {"until": "missing"}
    wrong = await front.call("PUT", "/reachability/quiet-hours", {"from": "24:00", "until": "7:00"})
    assert wrong.wrong == {"from": "wrong_format", "until": "wrong_format"}


async def test_quiet_hours_before_a_declaration_are_refused(front: Front) -> None:
    await front.agreed()
    answer = await front.call("PUT", "/reachability/quiet-hours", {"from": "22:00", "until": "07:00"})
    assert (answer.status, answer.kind) == (409, "declare_first")


async def test_dialog_of_wechat_is_only_noted(with_templates: Service) -> None:
    front = await on(with_templates, "wechat_mini")
    said = {"results": [{"template_id": "tpl-colour", "result": "accept"}]}
    answer = await front.post("/subscriptions", said)
    assert (answer.status, answer.body) == (201, {"asked": ["colour_changed"], "form_until": None})
    entries = await with_templates.rows("SELECT kind, change, reason FROM subscription_entries")
    assert entries == [("colour_changed", 0, "asked")]
    assert await with_templates.rows("SELECT count(*) FROM subscriptions") == [(0,)]


async def test_template_that_is_not_ours_is_refused(with_templates: Service) -> None:
    front = await on(with_templates, "wechat_mini")
    answer = await front.post("/subscriptions", {"results": [{"template_id": "other", "result": "accept"}]})
    assert answer.wrong == {"results/0/template_id": "not_offered"}


async def test_form_of_alipay_is_kept_sealed_for_seven_days(service: Service) -> None:
    front = await on(service, "alipay")
    answer = await front.post("/subscriptions", {"form_id": "form-1"})
    assert (answer.status, answer.body["form_until"]) == (201, "2020-02-27T01:00:00Z")
    ((sealed,),) = await service.rows("SELECT form_sealed FROM form_tokens")
    assert b"form-1" not in sealed
    assert service.tools.world.keys.open("form_tokens.form", sealed) == "form-1"


async def test_each_platform_has_its_own_result(service: Service) -> None:
    mini, alipay = await on(service, "wechat_mini"), await on(service, "alipay")
    result = {"results": [{"template_id": "t", "result": "accept"}]}
    assert (await alipay.post("/subscriptions", result)).wrong == {"results": "other_platform"}
    assert (await mini.post("/subscriptions", {"form_id": "f"})).wrong == {"form_id": "other_platform"}
    for neither_or_both in ({}, {**result, "form_id": "f"}):
        assert (await mini.post("/subscriptions", neither_or_both)).wrong == {"results": "one_of_both"}


@pytest.mark.parametrize("reason", sorted(BY_REASON))
async def test_every_reason_has_words(service: Service, reason: str) -> None:
    texts = service.tools.texts
    assert texts.say("zh", f"reachable.why_{reason}")
    assert texts.say("en", f"reachable.why_{reason}")


async def test_reason_is_told_in_words_too(service: Service) -> None:
    front = await on(service, "wechat_mini")
    answer = await front.get("/reachability")
    told = [each["text"] for kind in answer.body["kinds"] for each in kind["obstacles"]]
    assert told
    assert all(told)


# -- the daily reminder --------------------------------------------------------------------------------------


async def test_reminder_before_a_declaration_is_null(front: Front) -> None:
    await front.agreed()
    assert (await front.get("/reachability")).body["reminder"] is None


async def test_reminder_is_told_with_hour_days_zone_and_reasons(front: Front) -> None:
    await front.declared()
    told = (await front.get("/reachability")).body["reminder"]
    assert {name: told[name] for name in ("at", "own", "second_at", "days", "zone")} == {
        "at": "08:00",
        "own": False,
        "second_at": "18:00",
        "days": "all",
        "zone": "Asia/Shanghai",
    }
    await front.service.database.execute(
        "UPDATE residents SET reminder_minute = 1230, reminder_days = 'none', declared_at = ?",
        [front.service.clock.now() - timedelta(days=5)],
    )
    told = (await front.get("/reachability")).body["reminder"]
    assert (told["at"], told["own"], told["second_at"], told["due"]) == ("20:30", True, None, False)
    assert [each["reason"] for each in told["reasons"]] == ["opted_out"]
    assert "恢复提醒" in told["reasons"][0]["text"]
