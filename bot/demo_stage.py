"""Where the stories of the demo happen: the running service, the phones in front of it, and the world around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING

from aiohttp import web

from bot.clock import DEFAULT_ZONE, resident_day, zone
from bot.demo_phones import Phone, StoryClock
from bot.demo_script import Happens, Story
from bot.services.fact_door import NewFact
from bot.services.follow_ups import FollowUp, open_in_scope
from bot.services.honesty import wants_full
from bot.services.worker_scope import ActingWorker
from bot.town import door_of, resident_of, see_phone, take_back
from handlers.http.keys import CLOCK_MOVER, DATABASE, TOOLS

if TYPE_CHECKING:
    from tests.fakes.wechat_api import FakeWeChatApi

_HOSPITAL, _RAILWAY = "hospital", "rail"
_DAY = timedelta(days=1)
_EVERYWHERE = ActingWorker(0, "community", "")  # looks on, and belongs to nobody


class Stage:
    """The running service, the phones in front of it, and everything else that happens to people."""

    def __init__(
        self, app: web.Application, clock: StoryClock, phones: Mapping[str, Phone], api: FakeWeChatApi | None
    ) -> None:
        self.phones = phones
        self._app = app
        self._clock = clock
        self._api = api

    async def live(self, story: Story, event: Happens) -> Sequence[str]:
        """Let it happen, through the doors that take it in the running service; what the community sees then."""
        await self._pass_time(story, event)
        if event.platform and self._api is not None:
            await (self._api.down() if event.platform == "down" else self._api.up())
        account = (story.channel, story.people[event.who or story.me])
        for _ in range(event.agrees):
            await self.phones[story.channel].agree(account[1])
        now = self._clock.now()
        if event.division and not event.rail:
            day = resident_day(now) - timedelta(days=event.days_ago)
            act = take_back if event.taken_back else see_phone
            await act(self._app, account, event.division, day, now=now)
        elif event.fever or event.rail:
            await self._report(account, event, now)
        return await self._follow_ups(story) if event.follow_ups else ()

    # -- time ------------------------------------------------------------------------------------------------

    async def _pass_time(self, story: Story, event: Happens) -> None:
        """Everything that falls due on the way is done on the way."""
        words = cycle(event.daily)
        if event.daily:
            for _ in range(event.days):
                await self._pass_day(story, next(words))
        elif event.days:
            await self._forward(event.days * _DAY)
        if event.minutes:
            await self._forward(timedelta(minutes=event.minutes))
        if event.full is not None:
            while await self._asks_in_full(story) != event.full:
                await self._pass_day(story, next(words))
        if event.until is not None:
            await self._forward(self._clock.until(*event.until))

    async def _pass_day(self, story: Story, text: str) -> None:
        await self._forward(_DAY)
        await self.phones[story.channel].say(story.openid, text)

    async def _forward(self, by: timedelta) -> None:
        await self._app[CLOCK_MOVER](by)

    async def _asks_in_full(self, story: Story) -> bool:
        """Whether "no change" isn't enough tomorrow; nobody who reports can know."""
        resident_id = await resident_of(self._app, (story.channel, story.openid))
        rows = await self._app[DATABASE].fetch(
            "SELECT division FROM residents WHERE resident_id = ?", [resident_id]
        )
        policy = self._app[TOOLS].world.policies.of(rows[0][0])
        return wants_full(policy, resident_id, resident_day(self._clock.now()) + _DAY)

    # -- what others know ------------------------------------------------------------------------------------

    async def _report(self, account: tuple[str, str], event: Happens, now: datetime) -> None:
        day = resident_day(now) - timedelta(days=event.days_ago)
        door, resident_id = door_of(self._app), await resident_of(self._app, account)
        source = _RAILWAY if event.rail else _HOSPITAL
        reference = f"{'ticket' if event.rail else 'visit'}:{day}"
        if event.taken_back:
            why = "wrong_day" if event.rail else "wrong_patient"
            await door.withdraw(resident_id, source, reference, why, now=now)
        elif event.rail:
            stay = NewFact(resident_id, "stay", day, source, reference, end=day, division=event.division)
            await door.take(stay, now=now)
        else:
            fever = NewFact(resident_id, "symptom", day, source, reference, details={"code": "fever"})
            await door.take(fever, now=now)

    async def _follow_ups(self, story: Story) -> list[str]:
        """The list of open follow-ups, of this story's people and those they report for."""
        database = self._app[DATABASE]
        shown = set()
        for openid in story.people.values():
            shown.add(await resident_of(self._app, (story.channel, openid)))
        rows = await database.fetch(
            "SELECT resident_id FROM guardianships"  # noqa: S608 - our own names
            f" WHERE state = 'active' AND {database.among('guardian_id', 'bigint')}",
            [database.listed(sorted(shown))],
        )
        shown |= {row[0] for row in rows}
        found = [each for each in await open_in_scope(database, _EVERYWHERE) if each.resident_id in shown]
        return [_entry(each) for each in found] or ["名单上没有人 / nobody is on the list"]


def _entry(each: FollowUp) -> str:
    opened = each.opened_at.astimezone(zone(DEFAULT_ZONE)).strftime("%H:%M")
    detail = f" ({each.detail})" if each.detail else ""
    return f"{opened} {each.division} {each.reason}{detail} {each.day}"
