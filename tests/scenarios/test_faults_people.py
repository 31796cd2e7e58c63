"""People who can't be reached: the ledger learns it from one refusal, the others get theirs, the next answer tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.crowd import CUSTOM, SUBSCRIBE, names, standing
from tests.fakes.wechat_api_world import Person
from tests.phones import TEMPLATES, phones

FAST = {"sends_per_second": 10_000}
LI = "o_li"


def on_the_black_list(person: Person) -> None:
    person.on_black_list = True


def back_from_the_black_list(person: Person) -> None:
    person.on_black_list = False


def without_window(person: Person) -> None:
    person.window = None


def without_sends(person: Person) -> None:
    assert person.window is not None
    person.window.left = 0


def as_before(person: Person) -> None:
    """Writing again is enough."""


def changes_in(texts: list[str]) -> int:
    return "\n".join(texts).count("武汉健康码")


@pytest.mark.parametrize(
    ("befalls", "passes", "reason", "column", "value"),
    [
        (on_the_black_list, back_from_the_black_list, "blocked", "blocked", True),
        (without_window, as_before, "window_closed", "window_until", None),
        (without_sends, as_before, "window_used_up", "window_left", 0),
    ],
    ids=["43019", "45015", "45047"],
)
async def test_refused_recipient_is_tried_once_and_told_with_the_next_answer(
    database_url: str,
    befalls: Callable[[Person], None],
    passes: Callable[[Person], None],
    reason: str,
    column: str,
    value: object,
) -> None:
    async with phones(database_url) as they:
        crowd = they.crowd()
        await crowd.join(LI, "o_wang")
        befalls(they.app.person(LI))
        await crowd.colour_changed(LI, to="red")
        await crowd.colour_changed(LI, to="yellow")
        await crowd.queue({"o_wang": ["hello"]})
        for _ in range(3):
            await they.drain()
            they.pass_time(hours=1)
        assert they.texts("o_wang") == ["hello"]
        assert they.api.calls[CUSTOM] == 2
        assert await standing(they.service.database) == Counter({("sent", ""): 1, ("queued", reason): 2})
        ((learnt,),) = await they.service.rows(
            f"SELECT {column} FROM accounts WHERE id = ?", crowd.accounts[LI]
        )
        assert learnt == value
        passes(they.app.person(LI))
        assert changes_in(await they.say(LI, "我的码")) == 2
        rows = await they.service.rows("SELECT state, way FROM notices WHERE kind = 'colour_changed'")
        assert rows == [("sent", "customer_service")] * 2


async def test_subscription_that_was_spent_elsewhere_is_believed_after_one_refusal(
    database_url: str,
) -> None:
    async with phones(database_url) as they:
        crowd = they.crowd()
        await crowd.join(LI)
        await crowd.agree(LI, "colour_changed", TEMPLATES["colour_changed"], 3)
        they.app.reject(LI, TEMPLATES["colour_changed"])
        they.pass_time(hours=49)
        await crowd.colour_changed(LI, to="red")
        await crowd.colour_changed(LI, to="yellow")
        for _ in range(3):
            await they.drain()
            they.pass_time(hours=1)
        assert they.api.calls[SUBSCRIBE] == 1
        assert await they.service.rows("SELECT standing, balance FROM subscriptions") == [("once", 0)]
        entries = await they.service.rows("SELECT change, reason FROM subscription_entries")
        assert entries == [(-3, "used_up")]
        assert {state for state, _ in await standing(they.service.database)} == {"queued"}
        assert changes_in(await they.say(LI, "我的码")) == 2


async def test_follower_who_left_is_tried_once_and_told_after_coming_back(database_url: str) -> None:
    async with phones(database_url, official=True) as they:
        crowd = they.crowd("wechat_official")
        await crowd.join(LI)
        crowd.app.unfollow(LI)  # and the push about it got lost
        await crowd.colour_changed(LI, to="red")
        await crowd.colour_changed(LI, to="yellow")
        for _ in range(3):
            await they.drain()
            they.pass_time(hours=1)
        assert they.api.calls[CUSTOM] == 1
        assert await standing(they.service.database) == Counter({("queued", "unfollowed"): 2})
        assert await they.service.rows("SELECT following FROM accounts") in ([(False,)], [(0,)])
        crowd.app.happened(LI, "follow", at=they.clock.wire())
        told = [await they.service.event(LI, "subscribe")]
        await they.drain()
        told += [each.content["text"]["content"] for each in they.api.received_by(LI)]
        assert changes_in(told) == 2


async def test_one_bad_recipient_and_one_unreadable_row_keep_nothing_from_the_other_998(
    database_url: str,
) -> None:
    texts = {openid: [f"to {openid}"] for openid in names(1000)}
    async with phones(database_url, mini=FAST, sends_at_once=200) as they:
        crowd = they.crowd()
        await crowd.join(*texts)
        await crowd.queue(texts)
        del they.app.people["o_0300"]  # nobody there knows this id
        await they.service.database.execute(
            "UPDATE notices SET params_sealed = ? WHERE person_id = ?",
            (b"damaged", crowd.accounts["o_0700"]),
        )
        await they.drain()
        came = Counter(each.openid for each in they.api.sent)
        assert set(came.values()) == {1}
        assert texts.keys() - came.keys() == {"o_0300", "o_0700"}
        assert await standing(they.service.database) == Counter(
            {("sent", ""): 998, ("queued", "blocked"): 1, ("failed", "no_words"): 1}
        )
