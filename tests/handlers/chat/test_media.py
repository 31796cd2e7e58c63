"""Voice, pictures, places, and the menu below the chat."""

from __future__ import annotations

import pytest

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Form, Read, Step
from bot.message import Kind, Media, Reply, Spot
from handlers.chat.media import (
    ask_to_type,
    decline_picture,
    follow_menu,
    is_event,
    is_unheard_voice,
    name_place,
    open_page,
)
from handlers.chat.punch_in import FORM as PUNCH_IN
from handlers.chat.routes import FORMS
from tests.handlers.chat.stage import TODAY, Stage, resident


def _waiting(stage: Stage) -> Stage:
    """The same stage in the middle of another form."""

    def ask(ctx: Context, answers: Answers) -> Reply:
        return Reply.of("What is your street?")

    def read(ctx: Context, answers: Answers) -> Read:
        raise AssertionError("a click or a picture is no answer")

    async def submit(ctx: Context, answers: Answers) -> Reply:
        return Reply.of("done")

    stage.forms = {"street": Form("street", (Step("street", ask, read, ("street",), free=True),), submit)}
    stage.talk.start("street", "street")
    return stage


async def _click(stage: Stage, key: str, kind: Kind = Kind.MENU) -> Reply | None:
    ctx = stage.hear(kind=kind, event_key=key)
    answer = await follow_menu(ctx.message, ctx)
    assert answer is None or isinstance(answer, Reply)
    return answer


def _words(reply: Reply | None) -> str:
    return "" if reply is None else str(reply)


def test_only_a_recording_without_words_is_unheard() -> None:
    stage = Stage(resident())
    ctx = stage.hear(kind=Kind.VOICE, media=Media("m1"))
    assert is_unheard_voice(ctx.message, ctx)
    ctx = stage.hear("三十六度五", kind=Kind.VOICE, media=Media("m1"))
    assert not is_unheard_voice(ctx.message, ctx)


async def test_recording_without_words_asks_to_type() -> None:
    stage = Stage(resident())
    ctx = stage.hear(kind=Kind.VOICE, media=Media("m1"))
    assert "请打字" in _words(await ask_to_type(ctx.message, ctx))


async def test_picture_is_declined_and_kept_nowhere() -> None:
    stage = Stage(resident())
    ctx = stage.hear(kind=Kind.IMAGE, media=Media("m1", "https://example.invalid/p.jpg"))
    assert "没有保存" in _words(await decline_picture(ctx.message, ctx))
    assert ctx.work.writes == []


async def test_picture_in_the_middle_of_a_form_leaves_its_question_open() -> None:
    stage = _waiting(Stage(resident()))
    ctx = stage.hear(kind=Kind.IMAGE, media=Media("m1"))
    await decline_picture(ctx.message, ctx)
    assert "What is your street?" in _words(ctx.aside)


async def test_shared_place_is_named_by_its_division_and_not_kept() -> None:
    stage = Stage(resident())
    ctx = stage.hear(kind=Kind.LOCATION, spot=Spot("30.6", "114.3", "湖北省武汉市江岸区中山大道1号"))
    answer = _words(await name_place(ctx.message, ctx))
    assert "湖北省武汉市江岸区" in answer
    assert "中山大道" not in answer
    assert ctx.work.writes == []


@pytest.mark.parametrize("label", ["", "我的家"])
async def test_place_that_cannot_be_named_asks_for_its_name(label: str) -> None:
    stage = Stage(resident())
    ctx = stage.hear(kind=Kind.LOCATION, spot=Spot("30.6", "114.3", label))
    assert "请打字告诉我地名" in _words(await name_place(ctx.message, ctx))


@pytest.mark.parametrize("kind", [Kind.MENU, Kind.SCAN, Kind.VIEW])
def test_clicks_scans_and_opened_pages_are_events(kind: Kind) -> None:
    ctx = Stage(resident()).hear(kind=kind, event_key="x")
    assert is_event(ctx.message, ctx)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("PUNCH_IN", "今天体温多少"),
        ("punch_in", "今天体温多少"),
        ("CODES", "湖北健康码"),
        ("WHY", "规则"),
        ("HELP", "我能帮您"),
    ],
)
async def test_item_of_the_menu_is_the_same_as_its_words(key: str, said: str) -> None:
    stage = Stage(resident(), forms={PUNCH_IN.name: PUNCH_IN})
    assert said in _words(await _click(stage, key))


async def test_click_on_declare_begins_a_declaration() -> None:
    stage = Stage(None)
    stage.forms = dict(FORMS)
    await _click(stage, "DECLARE")
    assert stage.talk.form == "declare"


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("SOMETHING", Kind.MENU),
        ("", Kind.MENU),
        ("qr_17", Kind.SCAN),
        ("https://example.invalid/", Kind.VIEW),
    ],
)
async def test_unknown_event_has_nothing_to_say(key: str, kind: Kind) -> None:
    stage = Stage(resident())
    assert await _click(stage, key, kind) is None
    assert stage.ctx.work.writes == []


async def test_click_in_the_middle_of_a_form_is_no_answer_to_it() -> None:
    stage = _waiting(Stage(resident()))
    assert "湖北健康码" in _words(await _click(stage, "CODES"))
    assert stage.talk.form == "street"
    assert stage.talk.answers == {}
    assert "What is your street?" in _words(stage.ctx.aside)


async def test_click_on_the_form_that_is_under_way_asks_its_question_again() -> None:
    stage = Stage(resident(), forms={PUNCH_IN.name: PUNCH_IN})
    await _click(stage, "PUNCH_IN")
    before = dict(stage.talk.answers)
    assert "今天体温多少" in _words(await _click(stage, "PUNCH_IN"))
    assert stage.talk.answers == before
    assert stage.ctx.aside is None


async def test_click_that_begins_another_form_sets_the_first_one_aside() -> None:
    stage = _waiting(Stage(resident()))
    stage.forms[PUNCH_IN.name] = PUNCH_IN
    await _click(stage, "PUNCH_IN")
    assert stage.talk.form == PUNCH_IN.name
    assert [each.form for each in stage.talk.parked] == ["street"]
    assert stage.ctx.aside is None


async def test_click_on_punch_in_after_todays_report_shows_it() -> None:
    who = resident(last_punch_in=TODAY)
    assert "已经打过卡" in _words(await _click(Stage(who, forms={PUNCH_IN.name: PUNCH_IN}), "PUNCH_IN"))


async def _share(stage: Stage, path: str) -> Reply | None:
    ctx = stage.hear(kind=Kind.PAGE, event_key=path)
    answer = await open_page(ctx.message, ctx)
    assert answer is None or isinstance(answer, Reply)
    return answer


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("pages/punch-in", "今天体温多少"),
        ("pages/codes", "湖北健康码"),
        ("pages/why", "规则"),
        ("pages/help", "我能帮您"),
        ("/pages/codes?from=share&day=1", "湖北健康码"),
        ("pages/codes.html?x=1", "湖北健康码"),
        ("pages/codes/codes", "湖北健康码"),
    ],
)
async def test_shared_page_begins_its_conversation(path: str, said: str) -> None:
    stage = Stage(resident(), forms={PUNCH_IN.name: PUNCH_IN})
    assert said in _words(await _share(stage, path))


async def test_shared_page_of_the_declaration_begins_it() -> None:
    stage = Stage(None)
    stage.forms = dict(FORMS)
    await _share(stage, "pages/declare")
    assert stage.talk.form == "declare"


@pytest.mark.parametrize("path", ["", "pages/map", "pages", "codes", "pages/codes-of-others"])
async def test_page_without_a_conversation_says_what_can_be_done(path: str) -> None:
    reply = await _share(Stage(resident()), path)
    assert reply is not None
    assert "小程序" in _words(reply)
    assert "打卡" in [choice.value for choice in reply.choices]


async def test_shared_page_in_the_middle_of_a_form_leaves_its_question_open() -> None:
    for path in ("pages/codes", "pages/map"):
        stage = _waiting(Stage(resident()))
        await _share(stage, path)
        assert stage.talk.form == "street"
        assert "What is your street?" in _words(stage.ctx.aside)
