"""Talks to a peer in a process of its own: lines of JSON in, lines of JSON out, and always an end."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS = 30.0
LINE_LIMIT_BYTES = 1 << 22


class PeerFailed(AssertionError):
    """The peer's process ended with an error, or not in time; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A running peer that is asked line by line."""

    process: Process
    first: Any = None

    async def ask(self, question: Any, *, seconds: float = SECONDS) -> Any:
        """The answer to one line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        await self.process.stdin.drain()
        return await self.read(seconds=seconds)

    async def read(self, *, seconds: float = SECONDS) -> Any:
        """The next line that the peer says."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), seconds)
        if not line:
            raise PeerFailed("the peer has ended")
        return json.loads(line)


@dataclass(frozen=True, slots=True)
class Runner:
    """How scripts of one peer are started: the command before the script's path, and where the scripts are."""

    command: tuple[str, ...]
    scripts: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    async def ask(
        self, script: str, questions: Sequence[Any], *arguments: str, seconds: float = SECONDS
    ) -> list[Any]:
        """Give the script one JSON line per question, and read one JSON line per answer."""
        process = await self._start(script, arguments)
        said = "".join(json.dumps(question) + "\n" for question in questions).encode()
        try:
            out, wrong = await asyncio.wait_for(process.communicate(said), seconds)
        except TimeoutError as error:
            raise PeerFailed(f"{script} has not ended after {seconds:g} s") from error
        finally:
            await _end(process)
        if process.returncode:
            raise PeerFailed(f"{script} ended with {process.returncode}: {_last_words(wrong)}")
        return [json.loads(line) for line in out.splitlines()]

    @asynccontextmanager
    async def serve(
        self, script: str, *arguments: str, said_first: bool = True, seconds: float = SECONDS
    ) -> AsyncIterator[Conversation]:
        """Keep a script running; `first` is the first line that it says by itself, such as {"port": 12345}."""
        process = await self._start(script, arguments)
        try:
            first = await Conversation(process).read(seconds=seconds) if said_first else None
            yield Conversation(process, first)
        finally:
            await _end(process)

    async def _start(self, script: str, arguments: Sequence[str]) -> Process:
        return await asyncio.create_subprocess_exec(
            *self.command,
            str(self.scripts / script),
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self.scripts,
            limit=LINE_LIMIT_BYTES,
            env=dict(self.environment),
        )


async def _end(process: Process) -> None:
    """Kill what still runs, and read it to the end, so that nothing stays behind."""
    if process.returncode is None:
        process.kill()
    await process.communicate()


def _last_words(wrong: bytes) -> str:
    return " | ".join(wrong.decode("utf-8", "replace").strip().splitlines()[-6:])
