"""The load generator: a process of its own that writes ready-made requests to keep-alive connections.

It does as little as it can per answer, because it shares the machine with the server that it measures:
find the end of the head, the status and the length, keep the body. Everything else happens afterwards.
"""

from __future__ import annotations

import gc
import multiprocessing
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

SILENCE_SECONDS = 20.0
LENGTH = b"content-length:"


class LoadError(Exception):
    """The load could not be driven to its end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `latency` is in seconds on the wire. Status 0: the connection broke first."""

    status: int
    body: bytes
    latency: float


@dataclass(frozen=True, slots=True)
class Run:
    """The timed part. `answers[i]` belongs to request i; fewer than requested when the time was over.

    `seconds` runs from the first byte out to the last answer in; `cpu_seconds` is the generator's own.
    """

    answers: list[Answer]
    seconds: float
    cpu_seconds: float
    reconnects: int


@dataclass(slots=True)
class Lane:
    """One connection with at most one request in flight."""

    socket: socket.socket
    index: int = -1
    sent_at: float = 0.0
    received: bytes = b""


def parse(received: bytes) -> tuple[int, bytes, bool] | None:
    """Status, body, and whether the server closes; None while the answer is incomplete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.find(LENGTH)
    if at < 0:
        raise LoadError(f"an answer without Content-Length: {received[:60]!r}")
    stop = head.find(b"\r", at)
    length = int(head[at + len(LENGTH) : stop if stop > 0 else end])
    body = received[end + 4 :]
    if len(body) < length:
        return None
    return int(head[9:12]), body, b"connection: close" in head


@dataclass(slots=True)
class Generator:
    """Drives `requests` in order over `connections`, each once, until they or the `seconds` are over."""

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    _answers: list[Answer] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _next: int = 0
    _in_flight: int = 0
    _deadline: float = 0.0
    _reconnects: int = 0

    def run(self) -> Run:
        """The closed loop; raises LoadError when the server falls silent or refuses connections."""
        lanes = [self._connect() for _ in range(min(self.connections, len(self.requests)))]
        self._answers = [Answer(0, b"", 0.0)] * len(self.requests)
        cpu, started = time.process_time(), time.perf_counter()
        self._deadline = started + self.seconds
        for lane in lanes:
            self._send(lane)
        while self._in_flight:
            ready = self._selector.select(SILENCE_SECONDS)
            if not ready:
                raise LoadError(f"no answer within {SILENCE_SECONDS:.0f} seconds")
            for key, _ in ready:
                self._receive(key.data)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        for key in list(self._selector.get_map().values()):
            self._drop(key.data)
        return Run(self._answers[: self._next], seconds, cpu, self._reconnects)

    def _connect(self) -> Lane:
        try:
            opened = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        except OSError as error:
            raise LoadError(f"the server refuses connections: {error}") from error
        opened.settimeout(None)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lane = Lane(opened)
        self._selector.register(opened, selectors.EVENT_READ, lane)
        return lane

    def _drop(self, lane: Lane) -> None:
        self._selector.unregister(lane.socket)
        lane.socket.close()

    def _send(self, lane: Lane) -> None:
        now = time.perf_counter()
        if self._next >= len(self.requests) or now >= self._deadline:
            return
        lane.index, lane.sent_at, lane.received = self._next, now, b""
        self._next += 1
        self._in_flight += 1
        try:
            lane.socket.sendall(self.requests[lane.index])
        except OSError:
            self._broken(lane)

    def _receive(self, lane: Lane) -> None:
        try:
            chunk = lane.socket.recv(65536)
        except OSError:
            chunk = b""
        if not chunk:
            self._broken(lane)
            return
        lane.received = lane.received + chunk if lane.received else chunk
        parsed = parse(lane.received)
        if parsed is None:
            return
        status, body, closes = parsed
        self._answers[lane.index] = Answer(status, body, time.perf_counter() - lane.sent_at)
        lane.index = -1
        self._in_flight -= 1
        if closes:
            lane = self._again(lane)
        self._send(lane)

    def _broken(self, lane: Lane) -> None:
        if lane.index >= 0:
            self._answers[lane.index] = Answer(0, b"", time.perf_counter() - lane.sent_at)
            self._in_flight -= 1
        self._send(self._again(lane))

    def _again(self, lane: Lane) -> Lane:
        self._drop(lane)
        self._reconnects += 1
        return self._connect()


def _work(pipe: Connection, port: int, requests: Sequence[bytes], connections: int, seconds: float) -> None:
    gc.disable()
    try:
        pipe.send(Generator(port, requests, connections, seconds).run())
    except LoadError as error:
        pipe.send(error)


def drive(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Run:
    """Run the generator in its own process; raises LoadError when it fails or outlives its time."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_work, args=(theirs, port, requests, connections, seconds), name="load", daemon=True
    )
    process.start()
    theirs.close()
    try:
        if not ours.poll(seconds + 2 * SILENCE_SECONDS):
            raise LoadError("the load generator outlived its time")
        result: Run | LoadError = ours.recv()
    except EOFError as error:
        raise LoadError("the load generator died") from error
    finally:
        process.kill()
        process.join()
        ours.close()
    if isinstance(result, LoadError):
        raise result
    return result
