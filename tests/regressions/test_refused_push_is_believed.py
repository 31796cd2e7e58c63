"""Elsewhere a refused push was tried again for ever, and nobody knew that the resident couldn't be reached."""

from __future__ import annotations

from bot.notices.reachability import Question, Unreachable
from handlers.http.keys import TOOLS
from tests.crowd import CUSTOM, SUBSCRIBE
from tests.phones import TEMPLATES, Phones, phones

LI = "o_li"


async def reasons(they: Phones, account_id: int) -> set[str]:
    tools = they.service.app[TOOLS]
    question = Question(account_id, "colour_changed", urgent=True)
    (answer,) = await tools.reachability.reach_many(tools.database, [question], they.clock.now())
    assert isinstance(answer, Unreachable)
    return {each.reason for each in answer.reasons}


async def test_refused_window_and_subscription_are_zeroed_and_the_resident_shows_as_unreachable(
    database_url: str,
) -> None:
    async with phones(database_url) as they:
        crowd = they.crowd()
        await crowd.join(LI)
        await crowd.agree(LI, "colour_changed", TEMPLATES["colour_changed"], 2)
        they.app.reject(LI, TEMPLATES["colour_changed"])  # 43101
        they.app.person(LI).window = None  # 45015
        await crowd.colour_changed(LI)
        for _ in range(4):
            await they.drain()
            they.pass_time(hours=1)
        assert (they.api.calls[CUSTOM], they.api.calls[SUBSCRIBE]) == (1, 1)
        assert await they.service.rows("SELECT balance FROM subscriptions") == [(0,)]
        assert await reasons(they, crowd.accounts[LI]) == {"window_closed", "subscription_used_up"}


async def test_new_consent_ends_what_a_refusal_began(database_url: str) -> None:
    async with phones(database_url) as they:
        crowd = they.crowd()
        await crowd.join(LI)
        await crowd.agree(LI, "colour_changed", TEMPLATES["colour_changed"])
        they.app.reject(LI, TEMPLATES["colour_changed"])
        they.pass_time(hours=49)
        await crowd.colour_changed(LI)
        await they.drain()
        assert they.subscribed(LI) == []
        await they.accept(LI, "colour_changed")
        assert len(they.subscribed(LI)) == 1
        assert they.api.calls[SUBSCRIBE] == 2
