"""The table of conversations."""

from __future__ import annotations

import pytest

from bot.conversation.recorded import reply_to_plain
from bot.conversation.routing import check_routes, respond
from bot.conversation.understanding.understood import Intent
from bot.message import Kind, Media, Reply, Spot
from handlers.chat.codes import adds_code
from handlers.chat.declare import wants_change
from handlers.chat.identity import wants_verification
from handlers.chat.routes import FORMS, ROUTES
from tests.conversation.world import texts
from tests.handlers.chat.stage import Stage, resident


async def _answered(stage: Stage, text: str = "", **more: object) -> tuple[str, Reply | None]:
    ctx = stage.hear(text, **more)
    name, reply = await respond(ctx.message, ctx, ROUTES)
    stage.talk.offer(reply)
    return name, reply


def _stage(who: object = "somebody", **more: object) -> Stage:
    return Stage(resident() if who == "somebody" else None, forms=FORMS, **more)  # type: ignore[arg-type]


def test_table_has_no_duplicates_and_ends_with_what_takes_everything() -> None:
    check_routes(ROUTES)


def test_every_form_is_found_by_its_own_name() -> None:
    assert {"declare", "punch_in"} <= FORMS.keys()
    assert all(name == form.name for name, form in FORMS.items())


def test_every_text_that_forms_name_exists() -> None:
    named = {form.title for form in FORMS.values()} | {
        step.why for form in FORMS.values() for step in form.steps
    }
    assert named <= texts().keys()


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("打卡", "punch_in"),
        ("36.5", "punch_in"),
        ("体温36度8 没有症状", "punch_in"),
        ("37.9 咳嗽", "punch_in"),
        ("三十六度五，一切正常", "punch_in"),
        ("没变化", "punch_in"),
        ("我的码", "codes"),
        ("为什么", "why"),
        ("为什么 粤康码红了", "why"),
        ("去广州上班用哪个码", "which_code"),
        ("添加 杭州健康码", "add_code"),
        ("核实身份", "verify"),
        ("我要申诉", "later"),
        ("亮码", "later"),
        ("家人", "members"),
        ("提醒我打卡", "reminders"),
        ("每天8点提醒我", "reminders"),
        ("改到20:30", "reminders"),
        ("周末不提醒", "reminders"),
        ("remind me at 8 am", "reminders"),
        ("no reminders on weekends", "reminders"),
        ("no reminders", "reminders"),
        ("why did I get no reminder", "reachable"),
        ("别再发消息了", "reminders_asked"),
        ("我的时区 新疆", "zone"),
        ("按新疆时间", "zone"),
        # the replies that notices name
        ("取消删除", "take_back"),
        ("keep my data", "take_back"),
        ("恢复提醒", "reminders"),
        ("turn on reminders", "reminders"),
        ("punch in 36.5", "punch_in"),
        ("为什么没收到提醒", "reachable"),
        ("36.5 没有症状，明天提醒我", "reminders_asked"),
        ("English", "language"),
        ("中文", "language"),
        ("帮助", "help"),
        ("取消", "cancel"),
        ("是", "fallback"),
        ("返回", "fallback"),
        ("今天天气怎么样", "fallback"),
        ("更多", "fallback"),
        ("", "fallback"),
    ],
)
async def test_words_of_every_conversation_reach_it(text: str, route: str) -> None:
    stage = _stage()
    assert (await _answered(stage, text))[0] == route


@pytest.mark.parametrize("text", ["修改住址", "change address"])
def test_what_other_texts_advise_about_the_address_is_understood(text: str) -> None:
    ctx = _stage().hear(text)
    assert wants_change(ctx.message, ctx)


@pytest.mark.parametrize("text", ["核实身份", "verify"])
def test_what_other_texts_advise_about_the_identity_is_understood(text: str) -> None:
    ctx = _stage().hear(text)
    assert wants_verification(ctx.message, ctx)


@pytest.mark.parametrize("text", ["加码", "add code", "添加 穗康码", "add Suikang"])
def test_what_other_texts_advise_about_adding_a_code_is_understood(text: str) -> None:
    ctx = _stage().hear(text)
    assert adds_code(ctx.message, ctx)


async def test_declaring_begins_a_form_whose_answers_come_next() -> None:
    stage = _stage(None)
    assert (await _answered(stage, "申报"))[0] == "declare"
    assert stage.talk.form == "declare"
    assert (await _answered(stage, "张三"))[0] == "form"


@pytest.mark.parametrize("consent", ["none", "asked", "refused", "withdrawn"])
@pytest.mark.parametrize("text", ["36.5", "我的码", "申报", "隐私"])
async def test_before_consent_every_message_is_about_consent(consent: str, text: str) -> None:
    stage = _stage(None)
    stage.account.consent = consent
    name, _ = await _answered(stage, text)
    assert name == "consent"
    assert stage.writes("punch_ins") == []


async def test_unfollowing_needs_no_consent_and_says_nothing() -> None:
    stage = _stage(None)
    stage.account.consent = "none"
    assert await _answered(stage, kind=Kind.UNFOLLOW) == ("leave", None)


@pytest.mark.parametrize(
    ("kind", "route"), [(Kind.SUBSCRIPTION, "subscription"), (Kind.DELIVERY, "delivery")]
)
async def test_what_the_platform_tells_needs_no_consent_and_is_not_answered(kind: Kind, route: str) -> None:
    stage = _stage(None)
    stage.account.consent = "none"
    assert await _answered(stage, kind=kind) == (route, None)


@pytest.mark.parametrize("kind", [Kind.ENTER, Kind.PAGE])
async def test_opened_chat_and_shared_page_are_about_consent_first(kind: Kind) -> None:
    stage = _stage(None)
    stage.account.consent = "none"
    name, reply = await _answered(stage, kind=kind, event_key="pages/codes")
    assert name == "consent"
    assert "存什么" in str(reply)


@pytest.mark.parametrize(
    ("more", "route"),
    [
        ({"kind": Kind.FOLLOW}, "greet"),
        ({"kind": Kind.ENTER}, "meet"),
        ({"kind": Kind.PAGE, "event_key": "pages/codes"}, "page"),
        ({"kind": Kind.PAGE, "event_key": "pages/map"}, "page"),
        ({"kind": Kind.MENU, "event_key": "CODES"}, "menu"),
        ({"kind": Kind.SCAN, "event_key": "qr"}, "menu"),
        ({"kind": Kind.VIEW, "event_key": "https://example.invalid/"}, "menu"),
        ({"kind": Kind.VOICE, "media": Media("m")}, "voice"),
        ({"kind": Kind.VOICE, "media": Media("m"), "text": "三十六度五"}, "punch_in"),
        ({"kind": Kind.IMAGE, "media": Media("m")}, "picture"),
        ({"kind": Kind.LOCATION, "spot": Spot("30", "114", "武汉")}, "place"),
    ],
)
async def test_every_kind_of_message_has_its_route(more: dict[str, object], route: str) -> None:
    assert (await _answered(_stage(), **more))[0] == route  # type: ignore[arg-type]


async def test_more_reads_on_only_while_there_are_pages() -> None:
    stage = _stage()
    stage.talk.pages = [reply_to_plain(Reply.of("the second page"))]
    name, reply = await _answered(stage, "更多")
    assert (name, str(reply)) == ("more", str(Reply.of("the second page")))
    assert (await _answered(stage, "更多"))[0] == "fallback"


async def test_question_in_the_middle_of_a_punch_in_is_answered_and_asked_again_below() -> None:
    stage = _stage()
    await _answered(stage, "打卡")
    name, reply = await _answered(stage, "我的码")
    assert name == "codes"
    assert "今天体温多少" in str(reply)
    assert (await _answered(stage, "36.5"))[0] == "form"
    assert stage.writes("punch_ins")


async def test_cancelling_a_punch_in_saves_nothing() -> None:
    stage = _stage()
    await _answered(stage, "打卡")
    assert (await _answered(stage, "取消"))[0] == "form"
    assert stage.talk.form == ""
    assert stage.ctx.work.writes == []


async def test_code_can_be_added_in_the_middle_of_a_punch_in() -> None:
    stage = _stage()
    await _answered(stage, "打卡")
    name, reply = await _answered(stage, "添加 杭州健康码")
    assert name == "add_code"
    assert "今天体温多少" in str(reply)


async def test_punch_in_before_any_declaration_is_not_lost_in_silence() -> None:
    stage = _stage(None)
    name, reply = await _answered(stage, "36.5 没有症状")
    assert name == "punch_in"
    assert "没有保存" in str(reply)
    assert stage.talk.form == "declare"
    assert stage.writes("punch_ins") == []


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_no_route_leaves_a_message_without_an_answer(language: str) -> None:
    said = {
        Intent.DECLARE: "申报", Intent.PUNCH_IN: "打卡", Intent.CODES: "我的码", Intent.WHY: "为什么",
        Intent.WHICH_CODE: "用哪个码", Intent.PASS: "亮码", Intent.APPEAL: "我要申诉",
        Intent.APPEAL_STATUS: "申诉进度", Intent.HOUSEHOLD: "家人", Intent.REMINDERS: "提醒我打卡",
        Intent.PRIVACY: "隐私", Intent.LANGUAGE: "语言", Intent.HELP: "帮助", Intent.BACK: "返回",
        Intent.CANCEL: "取消", Intent.YES: "是", Intent.NO: "不是", Intent.UNKNOWN: "嗯哼哼",
    }  # fmt: skip
    assert said.keys() == set(Intent)
    for intent, text in said.items():
        stage = _stage(None, language=language)
        ctx = stage.hear(text)
        assert ctx.understood.intent == intent
        _, reply = await respond(ctx.message, ctx, ROUTES)
        assert reply is not None
        assert reply.parts


@pytest.mark.parametrize("text", ["谁想绑定我", "agree binding", "refuse binding"])
def test_reply_that_a_binding_notice_names_shows_who_asks(text: str) -> None:
    ctx = Stage(resident()).hear(text)
    assert next(route.name for route in ROUTES if route.matches(ctx.message, ctx)) == "binding_asked"
