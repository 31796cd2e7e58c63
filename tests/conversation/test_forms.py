"""The form machinery on a small form: parts, changes, side questions, forms within forms, expiry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.channels.plain_text import picked, render_text
from bot.conversation.context import Context
from bot.conversation.dialogue import Parked, Talk, open_talk, talk_row
from bot.conversation.forms import (
    REVIEW,
    Answers,
    Form,
    Partly,
    Read,
    Step,
    Taken,
    Wrong,
    begin,
    continue_form,
    drafted,
    open_question,
    review,
)
from bot.conversation.routing import PASS
from bot.message import Choice, Choices, Incoming, Kind, Reply
from bot.notices.reachability import Reachability
from bot.store.database import Database
from bot.store.sealing import KeyRing
from bot.store.snapshot import Account, Dialogue
from bot.store.work import Work
from tests.conversation.world import places, texts
from tests.fakes.clock import MORNING, FakeClock
from tests.handlers.chat.factory import make_world

KEYS = KeyRing(KeyRing.generate(), KeyRing.generate())
SUBMITTED: list[Answers] = []


def _ask_colour(ctx: Context, answers: Answers) -> Reply:
    return Reply.of(Choices((Choice("red", "r"), Choice("blue", "b")), "which colour?"))


def _read_colour(ctx: Context, answers: Answers) -> Read:
    if ctx.choice in ("r", "b"):
        return Taken({"colour": ctx.choice})
    return Wrong("declare.journey_unclear") if ctx.text == "mauve" else None


def _spot_size(ctx: Context, answers: Answers) -> Answers:
    return {"size": 9} if "nine" in ctx.text else {}


def _read_size(ctx: Context, answers: Answers) -> Read:
    return Taken({"size": int(ctx.text)}) if ctx.text.isdigit() else None


def _read_pair(ctx: Context, answers: Answers) -> Read:
    parts = [*drafted(answers, "pair").get("parts", []), ctx.text]
    return Taken({"pair": parts}) if len(parts) == 2 else Partly({"parts": parts})


def _ask_pair(ctx: Context, answers: Answers) -> Reply:
    return Reply.of(f"pair, have {len(drafted(answers, 'pair').get('parts', []))}")


async def _submit(ctx: Context, answers: Answers) -> Reply:
    SUBMITTED.append(answers)
    return Reply.of("submitted")


STEPS = (
    Step("colour", _ask_colour, _read_colour, ("colour",), lambda ctx, answers: f"colour {answers['colour']}",
         resets=("size",), names=("颜色", "colour")),
    Step("size", lambda ctx, answers: Reply.of("which size?"), _read_size, ("size",),
         lambda ctx, answers: f"size {answers['size']}", spot=_spot_size, names=("大小", "size")),
    Step("pair", _ask_pair, _read_pair, ("pair",), lambda ctx, answers: "pair", free=True,
         needed=lambda ctx, answers: answers.get("colour") != "b"),
)  # fmt: skip
PAINT = Form("paint", STEPS, _submit, title="declare.title")
QUICK = Form("quick", STEPS[1:2], _submit, review=False, title="declare.title")
FORMS = {form.name: form for form in (PAINT, QUICK)}


@dataclass
class Desk:
    """Carries a talk from message to message through its stored form."""

    database: Database
    talk: Talk = field(default_factory=Talk)
    ctx: Context | None = None

    def receive(self, text: str, *, expired: bool = False) -> Context:
        row = talk_row(self.talk, KEYS, MORNING)
        stored = Dialogue(row["form"], row["step"], row["state_sealed"], 1, row["expires_at"], stored=True)
        self.talk = open_talk(stored, KEYS, MORNING)
        self.talk.expired = expired
        self.ctx = Context(
            message=Incoming("simulator", "li", "k", Kind.TEXT, MORNING, text=text),
            now=MORNING,
            account=Account(1, "simulator", "k:0", consent="given"),
            talk=self.talk,
            work=Work(now=MORNING),
            world=make_world(),
            texts=texts(),
            places=places(),
            database=self.database,
            forms=FORMS,
            reachability=Reachability(self.database, FakeClock(), {}),
            choice=picked(self.talk.choices, text) if self.talk.choices else None,
        )
        return self.ctx

    async def begin(self, form: Form, answers: Answers | None = None) -> str:
        return self._read(await begin(form, self.receive(""), answers))

    async def say(self, text: str, *, expired: bool = False) -> str:
        ctx = self.receive(text, expired=expired)
        answer = await continue_form(ctx.message, ctx)
        if answer is PASS:
            answer = Reply.of("[passed]")
        assert isinstance(answer, Reply)
        return self._read(answer.then(*ctx.aside.parts) if ctx.aside else answer)

    def _read(self, reply: Reply) -> str:
        self.talk.offer(reply)
        return render_text(reply)

    @property
    def answers(self) -> dict[str, Any]:
        return {name: value for name, value in self.talk.answers.items() if not name.startswith("_")}


@pytest.fixture
def desk(database: Database) -> Desk:
    SUBMITTED.clear()
    return Desk(database)


async def test_questions_are_asked_in_order_until_the_review(desk: Desk) -> None:
    assert "which colour?" in await desk.begin(PAINT)
    assert "which size?" in await desk.say("1")
    assert "pair, have 0" in await desk.say("7")
    assert "pair, have 1" in await desk.say("left")
    shown = await desk.say("right one")
    assert "1. colour r" in shown
    assert "2. size 7" in shown
    assert desk.talk.step == REVIEW


async def test_answers_known_at_the_beginning_are_not_asked(desk: Desk) -> None:
    assert "which size?" in await desk.begin(PAINT, {"colour": "b"})


async def test_step_that_is_not_needed_is_skipped(desk: Desk) -> None:
    await desk.begin(PAINT)
    shown = await desk.say("2") and await desk.say("7")
    assert desk.talk.step == REVIEW
    assert "pair" not in shown


async def test_wrong_answer_is_explained_and_asked_again(desk: Desk) -> None:
    await desk.begin(PAINT)
    answer = await desk.say("mauve")
    assert "没看明白" in answer
    assert "which colour?" in answer


async def test_answer_to_another_question_is_noted_and_the_open_one_asked_again(desk: Desk) -> None:
    await desk.begin(PAINT)
    answer = await desk.say("nine of them")
    assert "记下了" in answer
    assert "which colour?" in answer
    assert desk.answers == {"size": 9}


async def test_back_takes_back_a_part_then_the_answer_before(desk: Desk) -> None:
    await desk.begin(PAINT)
    for text in ("1", "7", "left"):
        await desk.say(text)
    assert "pair, have 0" in await desk.say("上一步")
    assert "which size?" in await desk.say("上一步")
    assert "which colour?" in await desk.say("back")
    assert desk.answers == {}
    assert "第一题" in await desk.say("back")


async def test_going_back_and_answering_the_same_keeps_what_depends_on_it(desk: Desk) -> None:
    await desk.begin(PAINT)
    await desk.say("nine of them")
    await desk.say("1")
    await desk.say("上一步")
    await desk.say("1")
    assert desk.answers["size"] == 9


async def test_going_back_and_answering_otherwise_resets_what_depends_on_it(desk: Desk) -> None:
    await desk.begin(PAINT)
    await desk.say("nine of them")
    await desk.say("1")
    await desk.say("上一步")
    assert "which size?" in await desk.say("2")


async def complete(desk: Desk) -> str:
    await desk.begin(PAINT)
    await desk.say("1")
    await desk.say("7")
    await desk.say("left")
    return await desk.say("other")


async def test_number_at_the_review_means_the_line_that_is_seen(desk: Desk) -> None:
    shown = await complete(desk)
    assert "4. " in shown
    assert "which size?" in await desk.say("2")
    assert "size 8" in await desk.say("8")
    assert desk.talk.step == REVIEW


async def test_change_by_name_works_at_the_review_and_before(desk: Desk) -> None:
    await desk.begin(PAINT)
    await desk.say("1")
    assert "which colour?" in await desk.say("改颜色")
    await desk.say("1")
    await desk.say("7")
    assert "which size?" in await desk.say("change the size")


async def test_back_from_a_change_returns_to_the_review_unchanged(desk: Desk) -> None:
    await complete(desk)
    await desk.say("2")
    assert "size 7" in await desk.say("上一步")
    assert desk.talk.step == REVIEW


async def test_starting_another_change_gives_up_the_first(desk: Desk) -> None:
    await complete(desk)
    await desk.say("1")
    await desk.say("改大小")
    assert desk.answers["colour"] == "r"
    shown = await desk.say("8")
    assert "colour r" in shown
    assert "size 8" in shown


async def test_submitting_ends_the_form_with_its_answers_alone(desk: Desk) -> None:
    await complete(desk)
    assert await desk.say("确认") == "submitted"
    assert SUBMITTED == [{"colour": "r", "size": 7, "pair": ["left", "other"]}]
    assert desk.talk == Talk()


async def test_no_at_the_review_asks_what_is_wrong(desk: Desk) -> None:
    await complete(desk)
    assert "哪一项不对" in await desk.say("不对")
    assert SUBMITTED == []


async def test_nonsense_at_the_review_submits_nothing(desk: Desk) -> None:
    await complete(desk)
    answer = await desk.say("呱呱")
    assert "没看懂" in answer
    assert "size 7" in answer
    assert SUBMITTED == []


@pytest.mark.parametrize("text", ["为什么要问这个", "why do you ask?", "为什么？", "为啥要填"])
async def test_why_is_answered_by_the_step_and_fills_nothing(desk: Desk, text: str) -> None:
    await desk.begin(PAINT, {"colour": "r", "size": 7})
    answer = await desk.say(text)
    assert "加密" in answer
    assert "pair, have 0" in answer


async def test_question_about_a_code_is_passed_on(desk: Desk) -> None:
    await desk.begin(PAINT)
    answer = await desk.say("我的码为什么是红的？")
    assert answer.startswith("[passed]")
    assert "which colour?" in answer


async def test_form_within_a_form_brings_the_first_one_back(desk: Desk) -> None:
    await desk.begin(PAINT)
    await desk.say("1")
    assert "which size?" in await desk.begin(QUICK)
    assert [parked.form for parked in desk.talk.parked] == ["paint"]
    answer = await desk.say("3")
    assert answer.startswith("submitted")
    assert "我们回到刚才的" in answer
    assert desk.talk.form == "paint"
    assert desk.answers == {"colour": "r"}


async def test_cancel_of_the_inner_form_leaves_the_outer_one(desk: Desk) -> None:
    await desk.begin(PAINT)
    await desk.say("1")
    await desk.begin(QUICK)
    answer = await desk.say("取消")
    assert "which size?" in answer
    assert desk.talk.form == "paint"


async def test_beginning_a_form_drops_the_question_that_waited_below(desk: Desk) -> None:
    ctx = desk.receive("")
    ctx.aside = Reply.of("old question")
    await begin(PAINT, ctx)
    assert ctx.aside is None


async def test_unknown_form_is_let_go_and_the_message_passed_on(desk: Desk) -> None:
    desk.talk = Talk(
        form="gone", step="x", answers={"a": 1}, parked=[Parked("paint", "size", {"colour": "r"})]
    )
    assert await desk.say("你好") == "[passed]"
    assert desk.talk.form == "paint"


async def test_return_after_long_says_so_and_takes_no_old_answer(desk: Desk) -> None:
    await desk.begin(PAINT)
    answer = await desk.say("1", expired=True)
    assert "都给您留着" in answer
    assert "which colour?" in answer
    assert desk.answers == {}


async def test_return_after_long_with_cancel_cancels(desk: Desk) -> None:
    await desk.begin(PAINT)
    assert "没有保存" in await desk.say("取消", expired=True)


async def test_review_starts_with_earlier_answers_at_what_is_named(desk: Desk) -> None:
    ctx = desk.receive("改大小")
    reply = await review(PAINT, ctx, {"colour": "b", "size": 5})
    assert "which size?" in render_text(reply)
    assert ctx.talk.answers["colour"] == "b"


async def test_open_question_is_asked_in_the_language_of_now(desk: Desk) -> None:
    await complete(desk)
    ctx = desk.receive("")
    ctx.account.language = "en"
    asked = open_question(ctx)
    assert asked is not None
    assert "All correct, submit" in render_text(asked)


async def test_nothing_is_open_where_no_form_is_under_way(desk: Desk) -> None:
    assert open_question(desk.receive("")) is None


def test_named_step_is_the_one_with_the_longest_name() -> None:
    step = PAINT.named("修改大小")
    assert step is not None
    assert step.name == "size"
    assert PAINT.named("大小") is None
    assert PAINT.named("改别的") is None
