"""What a notice says: nothing of why, where or who unless it was asked for, and nothing that a platform refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bot.app import make_keys, make_world
from bot.channels.outbound import FilledTemplate, Way, Words
from bot.conversation.notice_words import BINDING_CHANGES, DELETIONS, FOLLOW_UPS, NOTICES
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
EXPIRING = {"schemes": ["hubei", "wuhan"], "at": "2020-03-20T16:00:00+00:00", "zone": "Asia/Shanghai"}
KINDS_BY_TEMPLATE = sorted(kind for kind, each in KINDS.items() if Way.TEMPLATE in each.ways)
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
        "punch_in_reminder": {},
        "code_expiring": EXPIRING,
        "binding_asked": {},
        "binding_changed": {"what": "confirmed"},
        "follow_up": {"reason": "abnormal"},
        "deletion": {"what": "asked", "day": "2020-03-27"},
    }
    assert set(params) == set(KINDS) == set(NOTICES)
    for kind, told in params.items():
        sealed = world.keys.seal_json(CONTEXT, told)
        assert notice_text(world, texts, language, kind=kind, params_sealed=sealed)


@pytest.mark.parametrize("name", ["wechat_mini", "wechat_official", "alipay"])
def test_every_kind_that_goes_by_template_has_one_and_is_checked(settings: Settings, name: str) -> None:
    templates = NoticeTemplates.load(Path(settings.home) / "templates" / "notices", LANGUAGES)
    assert sorted(templates.kinds(name)) == KINDS_BY_TEMPLATE
    assert all(NOTICES[kind].possible is not None for kind in KINDS_BY_TEMPLATE)


def words_of(world: World, texts: Texts, kind: str, params: Any, language: str = "zh") -> str:
    return notice_text(world, texts, language, kind=kind, params_sealed=world.keys.seal_json(CONTEXT, params))


def test_first_reminder_says_how_to_answer_move_and_stop_it(world: World, texts: Texts) -> None:
    said = words_of(world, texts, "punch_in_reminder", {})
    assert all(words in said for words in ("打卡 36.5", "没变化", "每天8点提醒我", "不要提醒", "所有的码"))
    assert "家人" not in said
    english = words_of(world, texts, "punch_in_reminder", {}, "en")
    assert all(
        words in english for words in ("punch in 36.5", "no change", "remind me at 8 am", "no reminders")
    )


def test_second_reminder_is_the_last_one_and_says_so(world: World, texts: Texts) -> None:
    assert "今天最后一次提醒" in words_of(world, texts, "punch_in_reminder", {"second": True})
    assert "the last reminder today" in words_of(world, texts, "punch_in_reminder", {"second": True}, "en")


def test_reminder_counts_the_family_without_naming_it(world: World, texts: Texts) -> None:
    said = words_of(world, texts, "punch_in_reminder", {"members": 2})
    assert "2 位家人" in said
    assert "全家正常 36.5" in said
    assert "1 of your family is waiting" in words_of(world, texts, "punch_in_reminder", {"members": 1}, "en")


@pytest.mark.parametrize(
    ("zone", "language", "shown"),
    [
        ("Asia/Shanghai", "zh", "3月21日 00:00"),
        ("Asia/Urumqi", "zh", "3月20日 22:00"),
        ("America/New_York", "en", "20 March 12:00"),
    ],
)
def test_expiry_is_told_in_the_person_s_own_zone(
    world: World, texts: Texts, zone: str, language: str, shown: str
) -> None:
    said = words_of(world, texts, "code_expiring", EXPIRING | {"zone": zone}, language)
    assert shown in said
    assert ("湖北健康码、武汉健康码" if language == "zh" else "Hubei health code, ") in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_outcome_has_words_of_its_own(world: World, texts: Texts, language: str) -> None:
    for kind, name, outcomes in (
        ("binding_changed", "what", BINDING_CHANGES),
        ("follow_up", "reason", FOLLOW_UPS),
        ("deletion", "what", DELETIONS),
    ):
        said = {
            words_of(world, texts, kind, {name: each, "day": "2020-03-27"}, language) for each in outcomes
        }
        assert len(said) == len(outcomes)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("code_expiring", {"schemes": [], "at": "2020-03-20T16:00:00+00:00", "zone": "Asia/Shanghai"}),
        ("code_expiring", {"schemes": ["hubei"], "at": "soon", "zone": "Asia/Shanghai"}),
        ("code_expiring", EXPIRING | {"zone": "Asia/Shangai"}),
        ("binding_changed", {"what": "eloped"}),
        ("follow_up", {"reason": "bored"}),
        ("deletion", {"what": "asked"}),
    ],
)
def test_new_kind_with_unknown_parameters_has_no_words(
    world: World, texts: Texts, kind: str, params: dict[str, Any]
) -> None:
    with pytest.raises(NoWords):
        words_of(world, texts, kind, params)
