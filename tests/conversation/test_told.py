"""What a notice says: nothing of why, where or who unless it was asked for, and nothing that a platform refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bot.app import make_keys, make_world
from bot.channels.outbound import FilledTemplate, Way, Words
from bot.conversation.texts import LANGUAGES, Texts
from bot.conversation.told import Composer, notice_text
from bot.errors import NoWords
from bot.notices.claims import Claimed
from bot.notices.kinds import KINDS
from bot.notices.outbox import CONTEXT
from bot.notices.reachability import Channel
from bot.notices.templates import NoticeTemplates
from bot.services.world import World
from config.settings import Settings
from tests.fakes.clock import MORNING
from tests.service import make_settings

CHANGED = {
    "changes": [
        ["hubei", "green", "decided", "red", "decided"],
        ["wuhan", "red", "decided", "yellow", "pending"],
    ]
}
IDS = {channel: {"colour_changed": "T-1"} for channel in ("wechat_mini", "wechat_official", "alipay")}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_settings(f"sqlite://{tmp_path_factory.mktemp('told')}/x.db")


@pytest.fixture(scope="module")
def world(settings: Settings) -> World:
    return make_world(settings, make_keys(settings))


@pytest.fixture(scope="module")
def texts(settings: Settings) -> Texts:
    return Texts.load(settings.home / "templates" / "messages")


@pytest.fixture(scope="module")
def composer(settings: Settings, world: World, texts: Texts) -> Composer:
    folder = settings.home / "templates" / "notices"
    return Composer(world, texts, NoticeTemplates.load(folder, LANGUAGES), IDS)


def claimed(world: World, kind: str, params: Any, *, urgent: bool = False) -> Claimed:
    return Claimed(
        id=1,
        resident_id=2,
        person_id=3,
        account_id=3,
        kind=kind,
        params_sealed=world.keys.seal_json(CONTEXT, params),
        priority=int(urgent),
        created_at=MORNING,
        expires_at=MORNING,
        attempts=1,
        failures=0,
    )


def channel(way: Way, name: str = "wechat_mini", language: str = "zh") -> Channel:
    return Channel(account_id=3, person_id=3, channel=name, way=way, external_sealed=b"", language=language)


def test_every_shipped_template_fits_with_every_code_and_change(composer: Composer) -> None:
    composer.check(every_pair=True)


def test_change_of_several_codes_is_one_message_without_a_reason(composer: Composer, world: World) -> None:
    said = composer.compose(claimed(world, "colour_changed", CHANGED), channel(Way.CUSTOMER_SERVICE))
    assert isinstance(said, Words)
    assert said.text == (
        "您的湖北健康码有变化：🟢 绿码 → 🔴 红码。\n"
        "您的武汉健康码有变化：🔴 红码 → 🟡 黄码（待确认）。\n"
        "想知道原因，请回复“为什么”；觉得不对，请回复“申诉”。"
    )


def test_urgent_change_says_that_it_doesn_t_wait_for_the_morning(composer: Composer, world: World) -> None:
    said = composer.compose(claimed(world, "colour_changed", CHANGED, urgent=True), channel(Way.SIMULATOR))
    assert isinstance(said, Words)
    assert said.text.endswith("颜色变差的消息比较急，不分早晚都会马上发给您。")


def test_template_says_scheme_and_colours_alone(composer: Composer, world: World) -> None:
    said = composer.compose(claimed(world, "colour_changed", CHANGED), channel(Way.SUBSCRIPTION))
    assert said == FilledTemplate(
        "T-1",
        {"thing1": "湖北健康码", "thing2": "🟢 绿码 → 🔴 红码", "thing3": "另有 1 个码也变了"},
        page="pages/codes/index",
    )


def test_alipay_s_template_takes_its_form_along(composer: Composer, world: World) -> None:
    form = world.keys.seal("form_tokens.form", "F-1")
    way = dataclasses.replace(channel(Way.TEMPLATE, "alipay", "en"), form_sealed=form)
    said = composer.compose(claimed(world, "colour_changed", CHANGED), way)
    assert isinstance(said, FilledTemplate)
    assert said.form == "F-1"
    assert said.fields["keyword1"] == "Hubei health code"


def test_answer_is_told_in_the_words_that_it_has(composer: Composer, world: World) -> None:
    said = composer.compose(claimed(world, "answer", {"text": "收到"}), channel(Way.CUSTOMER_SERVICE))
    assert said == Words("收到")


def test_long_answer_is_cut_at_what_the_platform_takes(composer: Composer, world: World) -> None:
    said = composer.compose(claimed(world, "answer", {"text": "长" * 2000}), channel(Way.CUSTOMER_SERVICE))
    assert isinstance(said, Words)
    assert len(said.text.encode()) <= 2048


@pytest.mark.parametrize(
    ("kind", "params", "way"),
    [
        ("colour_changed", {"changes": [["atlantis", "green", "decided", "red", "decided"]]}, Way.SIMULATOR),
        ("colour_changed", {}, Way.SUBSCRIPTION),
        ("subscription_low", {"left": 1, "kind": "colour_changed"}, Way.SUBSCRIPTION),
        ("no_such_kind", {}, Way.SIMULATOR),
        ("result", {}, Way.SIMULATOR),
    ],
)
def test_notice_that_can_t_be_told_has_no_words(
    composer: Composer, world: World, kind: str, params: dict[str, Any], way: Way
) -> None:
    with pytest.raises(NoWords):
        composer.compose(claimed(world, kind, params), channel(way))


def test_notice_that_can_t_be_opened_has_no_words(composer: Composer, world: World) -> None:
    damaged = dataclasses.replace(claimed(world, "result", {"text": "x"}), params_sealed=b"damaged")
    for way in (Way.SIMULATOR, Way.SUBSCRIPTION):
        with pytest.raises(NoWords):
            composer.compose(damaged, channel(way))


def test_template_that_is_not_set_up_has_no_words(world: World, texts: Texts, settings: Settings) -> None:
    templates = NoticeTemplates.load(Path(settings.home) / "templates" / "notices", LANGUAGES)
    bare = Composer(world, texts, templates, {})
    with pytest.raises(NoWords):
        bare.compose(claimed(world, "colour_changed", CHANGED), channel(Way.SUBSCRIPTION))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_notice_has_words(world: World, texts: Texts, language: str) -> None:
    params: dict[str, dict[str, Any]] = {
        "colour_changed": CHANGED,
        "asked_first": {"scheme": "hubei", "others": 2, "new": "yellow"},
        "result": {"text": "x"},
        "answer": {"text": "x"},
        "not_done": {},
        "subscription_low": {"left": 0, "kind": "colour_changed"},
        "link_asked": {"platform": "alipay"},
        "link_answered": {"platform": "alipay", "outcome": "confirmed"},
    }
    assert set(params) == set(KINDS)
    for kind, told in params.items():
        sealed = world.keys.seal_json(CONTEXT, told)
        assert notice_text(world, texts, language, kind=kind, params_sealed=sealed)
