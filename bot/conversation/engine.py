"""From an incoming message to its one effect and its reply.

The claim on a message is its inbox row, written in the transaction of its effects. A delivery that finds the
message under way waits for it; one that finds the row answers with the stored reply.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.channels.plain_text import render_text
from bot.conversation.locks import KeyedLocks
from bot.conversation.pending import PendingMessages, storable
from bot.conversation.recorded import reply_from_plain, reply_to_plain
from bot.conversation.turn import REPLY_CONTEXT, Act, Tools, Turn, message_key, take_call, take_turn
from bot.errors import Conflict, NotLoaded, Unavailable
from bot.message import Incoming, Reply
from bot.metrics import Metrics
from bot.notices.outbox import notify
from bot.services.colour_notices import guardians_in, notify_changes, speakers_of, unsent_of
from bot.store import indexes
from bot.store.loader import Loader, Request
from bot.store.snapshot import Account, Snapshot, StoredReply
from bot.store.work import Work
from bot.store.writer import Outcome, Writer

_log = structlog.get_logger("conversation")
_ATTEMPTS = 8
_LOOK_FOR_LEASES = 20.0  # seconds; a lease ends by time alone, so nothing can wake us


@dataclass(slots=True)
class _Job:
    """One message under way in this process. `owner` is set once it was promised."""

    incoming: Incoming
    key: str
    owner: str = ""
    act: Act | None = None
    result: Any = None
    account: Account | None = None
    task: asyncio.Task[Reply | None] | None = None
    promise: asyncio.Task[Reply | None] | None = None

    def note(self, snapshot: Snapshot) -> None:
        """Remember the account, which a promise or an apology needs."""
        if snapshot.account is not None:
            self.account = replace(snapshot.account)  # handlers change theirs before anything is written

    @property
    def language(self) -> str:
        return self.account.language if self.account is not None else "zh"


class Engine:
    """Takes messages of every channel; `open()` first, `close()` finishes what was taken."""

    def __init__(
        self, tools: Tools, loader: Loader, writer: Writer, metrics: Metrics, *, reply_seconds: float
    ) -> None:
        self._tools = tools
        self._loader = loader
        self._writer = writer
        self._metrics = metrics
        self._reply_seconds = reply_seconds
        self._running: dict[str, _Job] = {}
        self._accounts = KeyedLocks()
        self._residents = KeyedLocks()
        self.pending = PendingMessages(
            tools.database, tools.world.keys, tools.clock, owner=secrets.token_hex(16)
        )
        self._resumer: asyncio.Task[None] | None = None
        metrics.running.set_function(lambda: len(self._running))

    async def open(self) -> None:
        """Start looking for messages that others left behind."""
        self._resumer = asyncio.create_task(self._keep_resuming(), name="resume-pending")

    async def close(self) -> None:
        """Finish every message that was taken, then let go of what is still pending."""
        if self._resumer is not None:
            self._resumer.cancel()
            await asyncio.gather(self._resumer, return_exceptions=True)
        while self._running:
            tasks = [job.task for job in self._running.values() if job.task is not None]
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)
        await self._writer.close()
        await self._loader.close()
        try:
            await self.pending.release_all()
        except Exception as error:  # noqa: BLE001 - the database is gone: the leases end by themselves
            _log.warning("leases kept", action="pending_release_fail", error=type(error).__name__)

    async def receive(self, incoming: Incoming) -> Reply | None:
        """The reply to a message, within the deadline; None: there is nothing to say."""
        key = message_key(incoming)
        job = self._running.get(key)
        if job is None:
            job = self._start(_Job(incoming, key))
        assert job.task is not None
        await _until_done(job.task, self._reply_seconds)
        if job.task.done():
            return job.task.result()
        if job.promise is None:
            job.promise = asyncio.create_task(self._promise(job), name="promise")
        return await asyncio.shield(job.promise)

    async def perform(self, call: Incoming, act: Act) -> Any:
        """Do what the front end asks for, once for every key of `call`, and return what `act` returned, which is
        plain data; the same call again gets the same. Whatever `act` raises is raised, and nothing is written."""
        job = _Job(call, message_key(call), act=act)
        account = (call.channel, call.account)
        await self._accounts.acquire(account)
        try:
            await self._answer(job)
        finally:
            self._accounts.release(account)
        return job.result

    def _start(self, job: _Job) -> _Job:
        self._running[job.key] = job
        job.task = asyncio.create_task(self._run(job), name="message")
        job.task.add_done_callback(lambda task: self._running.pop(job.key, None))
        return job

    async def _promise(self, job: _Job) -> Reply | None:
        """Commit the message as pending, then say "on it"; if it has just been done, its reply."""
        reply = Reply.of(self._tools.texts.say(job.language, "engine.on_it"))
        said = self._tools.world.keys.seal_json(REPLY_CONTEXT, reply_to_plain(reply))
        account = job.account
        kept = storable(job.incoming, account.consent if account is not None else None)
        if await self.pending.keep(job.key, kept, said, account.id if account is not None else None):
            self._metrics.promised.inc()
            return reply
        assert job.task is not None
        return await asyncio.shield(job.task)

    async def _run(self, job: _Job) -> Reply | None:
        """Work on one message, after those of its account that came before; whatever fails, the sender is
        told that it did."""
        started = time.perf_counter()
        outcome = "failed"
        account = (job.incoming.channel, job.incoming.account)
        await self._accounts.acquire(account)
        try:
            outcome, reply = await self._answer(job)
            return reply
        except Exception as error:  # noqa: BLE001 - the border of a message: nobody is left without an answer
            _log.exception(
                "message failed",
                action="message_fail",
                kind=job.incoming.kind.value,
                error=type(error).__name__,
            )
            return await self._apologise(job)
        finally:
            self._accounts.release(account)
            taken = time.perf_counter() - started
            self._metrics.answered(job.incoming.channel, job.incoming.kind.value, outcome, taken)

    async def _apologise(self, job: _Job) -> Reply:
        """Say that nothing was done. Where answers are notices it is one, too; if not even that can be written,
        the error goes on to the door, so that the platform delivers again."""
        reply = Reply.of(self._tools.texts.say(job.language, "engine.failed"))
        if job.incoming.channel in self._tools.by_notice:
            if job.account is None:
                raise Unavailable("nothing was done, and there is nobody to tell")
            work = Work(now=self._tools.clock.now())
            notify(
                work,
                self._tools.world.keys,
                resident_id=0,
                person_id=job.account.person_id,
                account_id=job.account.id,
                kind="answer",
                params={"text": render_text(reply)},
                dedup_key=f"failed:{job.key}",
            )
            await self._writer.commit(work)
        return reply

    async def _answer(self, job: _Job) -> tuple[str, Reply | None]:
        """Load, answer, commit; again on fresh data if somebody else was quicker."""
        whole = False
        for _ in range(_ATTEMPTS):
            request = self._request(job, whole)
            snapshot = await self._loader.load(request)
            if snapshot.reply is not None and not self._is_ours(job, snapshot.reply):
                return "repeated", self._stored(job, snapshot.reply)
            ids = sorted(resident.resident_id for resident in snapshot.residents)
            if await self._residents.acquire_all(ids):  # somebody else's message about them was just written
                snapshot = await self._reloaded(request, ids)
            try:
                job.note(snapshot)
                turn = await (
                    take_turn(self._tools, job.incoming, snapshot, key=job.key, owner=job.owner)
                    if job.act is None
                    else take_call(self._tools, job.incoming, snapshot, job.act, key=job.key)
                )
                await self._tell_others(turn)
                if await self._writer.commit(turn.work) == Outcome.COMMITTED:
                    job.result = turn.result
                    return "answered", turn.reply
                self._metrics.conflicts.inc()
            except NotLoaded:
                whole = True
            finally:
                self._residents.release_all(ids)
        raise Conflict

    async def _reloaded(self, request: Request, held: list[int]) -> Snapshot:
        """The same once more; if that fails, nobody is kept waiting."""
        try:
            return await self._loader.load(request)
        except BaseException:
            self._residents.release_all(held)
            raise

    def _request(self, job: _Job, whole: bool) -> Request:
        incoming = job.incoming
        indexed = indexes.account(incoming.channel, incoming.account)
        found_under = self._tools.world.keys.indexes(indexed.kind, indexed.value)
        return Request(job.key, incoming.channel, found_under, self._tools.clock.now(), whole)

    def _is_ours(self, job: _Job, stored: StoredReply) -> bool:
        """Whether the row is our own promise, so that the message is still to be done."""
        if stored.state != "pending" or stored.owner != self.pending.owner:
            return False
        job.owner = self.pending.owner
        return True

    def _stored(self, job: _Job, stored: StoredReply) -> Reply | None:
        if stored.reply_sealed is None:
            return None
        plain = self._tools.world.keys.open_json(REPLY_CONTEXT, stored.reply_sealed)
        if job.act is not None:
            job.result = plain["result"]
            return None
        return reply_from_plain(plain)

    async def _tell_others(self, turn: Turn) -> None:
        """Whoever else speaks for a resident hears of a colour that changed in this conversation."""
        if not turn.work.changes:
            return
        ids = {resident_id for resident_id, _ in turn.work.changes} - turn.work.fresh
        speakers = await speakers_of(self._tools.database, ids)
        unsent = await unsent_of(self._tools.database, self._tools.world.keys, ids)
        for resident_id in sorted(ids):
            notify_changes(
                self._tools.world,
                turn.work,
                resident_id=resident_id,
                changes=[change for changed_id, change in turn.work.changes if changed_id == resident_id],
                person_ids=speakers.get(resident_id, ()),
                guardians=guardians_in(speakers.get(resident_id)),
                acting=turn.ctx.account.person_id,
                unsent=unsent.get(resident_id, ()),
            )

    async def _keep_resuming(self) -> None:
        while True:
            try:
                await self.resume()
            except Exception as error:  # noqa: BLE001 - a background task: logged, and tried again
                _log.warning("resume failed", action="pending_resume_fail", error=type(error).__name__)
            await asyncio.sleep(_LOOK_FOR_LEASES)

    async def resume(self) -> int:
        """Take up pending messages whose process died; returns how many were finished."""
        await self.pending.give_up()
        await self.pending.forget_expired()
        taken = await self.pending.take()
        for key, incoming in taken:
            job = self._start(_Job(incoming, key, owner=self.pending.owner))
            self._metrics.resumed.inc()
            assert job.task is not None
            await asyncio.wait((job.task,))
        return len(taken)


async def _until_done(task: asyncio.Task[Reply | None], seconds: float) -> None:
    """Wait until the task is done or the time is over; the task goes on either way. (`asyncio.wait` for one.)"""
    if task.done():
        return
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_task: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(seconds, wake)
    task.add_done_callback(wake)
    try:
        await waiter
    finally:
        timer.cancel()
        task.remove_done_callback(wake)
