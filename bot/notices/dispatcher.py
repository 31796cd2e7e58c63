"""Sends what is due: claims notices, sends a few at a time, and writes what became of them.

One task takes turns. A turn is one transaction, which writes the outcomes of the sends that are over and claims as
many others as there is room for; meanwhile the sends go on. It is woken by whoever queued something, by a send that
is over, and by one timer for what falls due next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.channels.outbound import Outbound, Outgoing, SendFailed, Sent, Trouble
from bot.clock import Clock
from bot.errors import Unavailable
from bot.metrics import Metrics
from bot.notices import leftovers, outcomes
from bot.notices.claims import NO_WORDS, Claimed, Claims, Room, Taken
from bot.notices.due import DueReports
from bot.notices.journal import Journal
from bot.notices.outcomes import Ended, Verdict
from bot.notices.pace import Lane, lanes
from bot.notices.reachability import Channel, Reachability
from bot.store.database import Database, Row, Session
from bot.store.sealing import KeyRing

ADDRESS = "accounts.external"
_LOOK = 15.0  # seconds between looks at what no event tells of: other processes' notices, dead and alive
_SWEEP = timedelta(minutes=1)  # between looks at everything that is queued, for what is too old
_HELD = 3.0  # seconds until another look at what is due and held by another process
_LAST_TRIES = 5  # to write outcomes when it is closed and the database doesn't answer
_log = structlog.get_logger("notices")


class Composer(Protocol):
    """Puts a notice into words."""

    def compose(self, notice: Claimed, channel: Channel) -> Outgoing:
        """What is sent over that channel in its language; NoWords if there is nothing to say.

        Whatever it raises ends this notice and no other.
        """


@dataclass(slots=True)
class _Turn:
    """What one turn has to do, and what came of it. `room` None: nothing is claimed."""

    ended: list[Ended]
    now: datetime
    wire: datetime
    looking: bool
    room: Room | None = None
    overdue: Sequence[Row] = ()
    verdicts: list[Verdict] = field(default_factory=list)
    left: list[leftovers.Interrupted] = field(default_factory=list)
    taken: Taken = field(default_factory=Taken)


class Dispatcher:
    """The one sender of a process: `open()` after the database, `close()` before it.

    `owner` is unique to the process, at most 40 characters. `outbounds` and `pace` (sends a second) are by channel.
    `due` ends reminders that nobody needs any more.
    """

    def __init__(  # noqa: PLR0913 - its parts, each by its name
        self,
        database: Database,
        keys: KeyRing,
        clock: Clock,
        *,
        reachability: Reachability,
        composer: Composer,
        outbounds: Mapping[str, Outbound],
        metrics: Metrics,
        owner: str,
        at_once: int,
        pace: Mapping[str, float],
        due: DueReports | None = None,
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._composer = composer
        self._outbounds = outbounds
        self._journal = Journal(metrics)
        self._owner = owner
        self._at_once = at_once
        self._claims = Claims(database, reachability, owner=owner, due=due)
        self._lanes: dict[str, Lane] = lanes(outbounds, at_once, pace)
        self._sending: set[asyncio.Task[None]] = set()
        self._ours: set[int] = set()  # notices that are being sent, or whose outcome is still to be written
        self._ended: list[Ended] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._more = True
        self._next_at: datetime | None = None
        self._held = False
        self._looked_at: float | None = None
        self._swept_at: datetime | None = None

    async def open(self) -> None:
        """Begin to send, first of all what earlier processes left."""
        self._task = asyncio.create_task(self._take_turns(), name="dispatcher")

    async def close(self) -> None:
        """Claim nothing more, finish what is being sent, and write what became of it."""
        self._stopping.set()
        self._woken.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._release(Unavailable("the dispatcher is closed"))

    def wake(self) -> None:
        """Something was queued, or became possible."""
        self._more = True
        self._woken.set()

    async def drain(self) -> None:
        """Send everything that is due now, and return when nothing more can go now."""
        if self._task is None or self._stopping.is_set():
            raise Unavailable("the dispatcher is not open")
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._swept_at = None
        self._claims.look_from_the_beginning()
        self.wake()
        await waiter

    async def _take_turns(self) -> None:
        failed = 0
        while not (self._stopping.is_set() and not self._under_way() and not self._ended):
            self._woken.clear()
            waiters = list(self._waiters)
            try:
                await self._turn()
                failed = 0
            except Exception as error:  # noqa: BLE001 - a background task: logged, and tried again
                failed += 1
                _log.warning("turn failed", action="notices_fail", error=type(error).__name__, times=failed)
                self._release(error)
                if self._stopping.is_set() and failed >= _LAST_TRIES:
                    return  # the leases end, and another process settles these as interrupted
                await self._pause(min(0.1 * 2**failed, 30.0))
                continue
            pause = self._seconds_to_wait()
            if pause is None or pause > 0:
                if self._idle():
                    self._release(None, waiters)
                await self._until_woken(pause)

    async def _turn(self) -> None:
        """Write what is over, and claim what there is room for."""
        turn = self._plan()
        if turn is None:
            return
        if self._sweeps_now(turn.now):
            turn.overdue = await leftovers.overdue(self._database, turn.now)
        if turn.room is not None:
            self._more = False  # whoever wakes us while the transaction runs must be heard
        written = False
        try:
            await self._database.transaction(lambda session: self._do(session, turn))
            written = True
        finally:
            if not written:  # the outcomes are brought to safety before anybody hears of it
                self._more = True
                await self._write_apart(turn.ended, turn.now, turn.wire)
        self._forget(turn.ended)
        if turn.looking:
            self._looked_at = asyncio.get_running_loop().time()
        if turn.room is not None:
            self._more = self._more or turn.taken.more
            self._next_at = turn.taken.next_at
            self._held = self._next_at is not None and self._next_at <= turn.now
        for notice, channel in turn.taken.claimed:
            self._begin(notice, channel)
        self._journal.ended(turn.ended, turn.verdicts, turn.now)
        self._journal.unsent(turn.left, turn.taken, [row[3] for row in turn.overdue])

    def _plan(self) -> _Turn | None:
        now, wire = self._clock.now(), self._clock.wire()
        turn = _Turn(list(self._ended), now, wire, looking=self._looks_now())
        if self._next_at is not None and self._next_at <= now:
            self._more, self._next_at = True, None
        room = self._room(wire)
        if (self._more or turn.ended) and room.total > 0 and not self._stopping.is_set():
            turn.room = room
        return turn if turn.ended or turn.looking or turn.room is not None else None

    async def _do(self, session: Session, turn: _Turn) -> None:
        now, wire = turn.now, turn.wire
        if turn.ended:
            turn.verdicts = await outcomes.write(
                session, turn.ended, owner=self._owner, now=now, wire=wire, keys=self._keys
            )
        if turn.looking:
            turn.left = await leftovers.recover(
                self._database, session, self._is_idempotent, ours=self._ours, now=now, wire=wire
            )
        if turn.overdue:
            await leftovers.expire(session, turn.overdue)
        if turn.room is not None:
            turn.taken = await self._claims.take(session, turn.room, now=now, wire=wire)
            if not turn.taken.more:
                turn.taken.next_at = await self._claims.next_due(session, now)

    async def _write_apart(self, ended: Sequence[Ended], now: datetime, wire: datetime) -> None:
        """One bad outcome must not keep the others: each alone, and if need be without what it says of the account."""
        for each in ended:

            async def body(session: Session, each: Ended = each) -> list[Verdict]:
                return await outcomes.write(
                    session, [each], owner=self._owner, now=now, wire=wire, keys=self._keys
                )

            async def notice_only(session: Session, each: Ended = each) -> list[Verdict]:
                verdict = outcomes.decide(each, now)
                await outcomes.write_rows(session, [(each, verdict)], owner=self._owner, now=now)
                return [verdict]

            try:
                verdicts = await self._database.transaction(body)
            except Exception as error:  # noqa: BLE001 - logged; the notice itself is written without the ledger
                _log.warning(
                    "outcome failed",
                    action="outcome_fail",
                    notice=each.notice.id,
                    error=type(error).__name__,
                )
                verdicts = await self._database.transaction(notice_only)
            self._forget([each])
            self._journal.ended([each], verdicts, now)

    def _begin(self, notice: Claimed, channel: Channel) -> None:
        self._lanes[channel.channel].begin()
        self._ours.add(notice.id)
        task = asyncio.create_task(self._send(notice, channel), name="notice")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, notice: Claimed, channel: Channel) -> None:
        outbound, lane = self._outbounds[channel.channel], self._lanes[channel.channel]
        result: Sent | SendFailed
        try:
            address = self._keys.open(ADDRESS, channel.external_sealed)
            outgoing = self._composer.compose(notice, channel)
        except Exception as error:  # noqa: BLE001 - one bad row: logged with its outcome, and the others go on
            result = SendFailed(Trouble.CONTENT, NO_WORDS, field_name=type(error).__name__)
        else:
            result = await self._over(outbound, channel, address, outgoing, notice.key)
            if isinstance(result, SendFailed):
                lane.note(result.trouble, result.retry_after, self._clock.wire())
            else:
                lane.note(None, None, self._clock.wire())
        lane.end()
        self._ended.append(Ended(notice, channel, result, channel.way in outbound.idempotent))
        self._woken.set()

    async def _over(
        self, outbound: Outbound, channel: Channel, address: str, outgoing: Outgoing, key: str
    ) -> Sent | SendFailed:
        try:
            return await outbound.send(channel.way, address, outgoing, key=key)
        except SendFailed as failed:
            return failed
        except Exception as error:  # noqa: BLE001 - a client's own error: whether it was written, nobody knows
            _log.error(
                "send broke", action="notice_break", channel=channel.channel, error=type(error).__name__
            )
            return SendFailed(Trouble.UNKNOWN, "client_error")

    def _forget(self, ended: Sequence[Ended]) -> None:
        written = {id(each) for each in ended}
        self._ours -= {each.notice.id for each in ended}
        self._ended = [each for each in self._ended if id(each) not in written]

    def _room(self, wire: datetime) -> Room:
        at = asyncio.get_running_loop().time()
        rooms = {name: lane.room(at, wire) for name, lane in self._lanes.items()}
        return Room(max(0, min(self._at_once - self._under_way(), sum(rooms.values()))), rooms)

    def _under_way(self) -> int:
        return sum(lane.under_way for lane in self._lanes.values())

    def _is_idempotent(self, channel: str, way: str) -> bool:
        outbound = self._outbounds.get(channel)
        return outbound is not None and any(each.value == way for each in outbound.idempotent)

    def _looks_now(self) -> bool:
        """Whether it is time for the slow look, which also looks for what others queued."""
        at = asyncio.get_running_loop().time()
        if self._stopping.is_set() or (self._looked_at is not None and at < self._looked_at + _LOOK):
            return False
        self._more = True
        self._claims.look_from_the_beginning()
        return True

    def _sweeps_now(self, now: datetime) -> bool:
        if self._stopping.is_set() or (self._swept_at is not None and now < self._swept_at + _SWEEP):
            return False
        self._swept_at = now
        return True

    def _idle(self) -> bool:
        """Whether nothing is under way, and nothing waits for its turn in an app's rate."""
        return not self._under_way() and not self._ended and not self._waits_for_pace()

    def _waits_for_pace(self) -> bool:
        wire = self._clock.wire()
        names = self._lanes if self._more else self._claims.closed & self._lanes.keys()
        return any(not self._lanes[name].resting(wire) for name in names)

    def _seconds_to_wait(self) -> float | None:
        """0: another turn at once; None: until something happens."""
        at, wire = asyncio.get_running_loop().time(), self._clock.wire()
        if self._stopping.is_set():
            return None if self._under_way() and not self._ended else 0.0
        if self._ended or (self._more and self._room(wire).total > 0):
            return 0.0
        waits = [max(0.01, (self._looked_at or at) + _LOOK - at)]
        names = self._lanes if self._more else self._claims.closed & self._lanes.keys()
        for name in names:
            opens = self._lanes[name].opens_in(at, wire)
            if opens is not None:
                waits.append(max(0.001, opens))
        if not self._more and self._next_at is not None:
            until = (self._next_at - self._clock.now()).total_seconds()
            waits.append(_HELD if self._held else max(0.0, until))
        return min(waits)

    async def _until_woken(self, seconds: float | None) -> None:
        timer = None
        if seconds is not None:
            timer = asyncio.get_running_loop().call_later(seconds, self._woken.set)
        await self._woken.wait()
        if timer is not None:
            timer.cancel()

    async def _pause(self, seconds: float) -> None:
        """After a failure: only a close cuts it short, and that once."""
        if self._stopping.is_set():
            await asyncio.sleep(min(seconds, 0.5))
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _release(
        self, error: Exception | None, waiters: Sequence[asyncio.Future[None]] | None = None
    ) -> None:
        """Tell those who wait for a drain."""
        for waiter in list(self._waiters) if waiters is None else waiters:
            self._waiters.remove(waiter)
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
