"""The generator sends each request once, in order, and keeps every answer with its request."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks.load import Generator, LoadError, drive, parse
from benchmarks.server import free_port

REQUESTS = [f"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{number:03d}".encode() for number in range(40)]


@contextmanager
def server(answer: Callable[[bytes, int], bytes]) -> Iterator[int]:
    """Answers 40-byte-headed requests by `answer(body, count on this connection)`; b"" hangs up."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            count = 0
            while head := self.rfile.readline():
                while self.rfile.readline() != b"\r\n":
                    pass
                count += 1
                reply = answer(self.rfile.read(3), count) if head else b""
                if not reply:
                    return
                self.wfile.write(reply)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()
            thread.join()


def echo(body: bytes, count: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 3\r\n\r\n" + body


def test_every_answer_stands_beside_its_request() -> None:
    with server(echo) as port:
        run = drive(port, REQUESTS, connections=4, seconds=30)
    assert [answer.body for answer in run.answers] == [request[-3:] for request in REQUESTS]
    assert {answer.status for answer in run.answers} == {200}
    assert all(0 < answer.latency <= run.seconds for answer in run.answers)


def test_no_request_is_sent_when_the_time_is_over() -> None:
    with server(echo) as port:
        run = Generator(port, REQUESTS, 4, 0).run()
    assert run.answers == []


def test_broken_connection_is_an_answer_of_status_nought() -> None:
    with server(lambda body, count: echo(body, count) if body != b"007" else b"") as port:
        run = Generator(port, REQUESTS, 2, 30).run()
    assert [index for index, answer in enumerate(run.answers) if answer.status == 0] == [7]
    assert len(run.answers) == len(REQUESTS)
    assert run.reconnects == 1


def test_server_that_closes_after_each_answer_is_reconnected() -> None:
    def once(body: bytes, count: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n" + body

    with server(once) as port:
        run = Generator(port, REQUESTS, 4, 30).run()
    assert {answer.status for answer in run.answers} == {200}
    assert run.reconnects == len(REQUESTS)


def test_server_that_is_not_there_is_an_error_in_our_process() -> None:
    with pytest.raises(LoadError, match="refuses connections"):
        drive(free_port(), REQUESTS, connections=4, seconds=5)


@pytest.mark.parametrize("cut", [5, 30, 40, 42])
def test_incomplete_answer_is_waited_for(cut: int) -> None:
    whole = b"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nbody"
    assert parse(whole[: min(cut, len(whole) - 1)]) is None
    assert parse(whole) == (403, b"body", False)


def test_answer_without_a_length_is_refused_with_a_reason() -> None:
    with pytest.raises(LoadError, match="without Content-Length"):
        parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
