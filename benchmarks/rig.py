"""What every benchmark of a server shares: a target, one measured round, figures and ratios."""

from __future__ import annotations

import platform
import secrets
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.load import Answer, Run, drive
from benchmarks.server import Launch, Server, free_port
from benchmarks.wire import Account, Push, safe_mode_request

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "var"
ACCOUNT = Account(
    app_id="wx0123456789abcdef",
    original_id="gh_0123456789ab",
    token=secrets.token_hex(16),
    aes_key=secrets.token_hex(22)[:43],
)
# what people type in the morning: four ways to say it, at every usual temperature
TEXTS = tuple(
    text
    for tenths in range(358, 371)
    for text in (
        f"{tenths // 10}.{tenths % 10}",
        f"体温{tenths // 10}度{tenths % 10} 没有症状",
        f"{'三十五' if tenths < 360 else '三十六' if tenths < 370 else '三十七'}度{'零一二三四五六七八九'[tenths % 10]}，一切正常",
        f"打卡 {tenths // 10}.{tenths % 10} 没有不舒服",
    )
)


class Unavailable(Exception):
    """A target can't take part on this machine; the message says why."""


class WrongAnswer(Exception):
    """A server answered something else than it should."""


class Target(Protocol):
    """One server under measurement.

    `prepare` runs once, before all rounds, and may raise Unavailable. `launch` is called once a round with
    an empty folder for the server's files. `check` raises WrongAnswer unless `answer` (200, decrypted XML)
    is right for `push`. `recorded` counts the messages found in the stopped server's files; None if it
    can't tell.
    """

    name: str
    path: str

    def prepare(self, folder: Path) -> None: ...

    def launch(self, folder: Path, port: int) -> Launch: ...

    def check(self, push: Push, answer: str) -> None: ...

    def recorded(self, folder: Path) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Load:
    """One round: `messages` of as many residents, and `warm_up` more by others before the timed part."""

    messages: int
    seconds: float
    connections: int
    warm_up: int = 512


@dataclass(frozen=True, slots=True)
class Figures:
    """One round's figures: times in milliseconds, CPU in microseconds per message, memory in MB (10^6)."""

    messages: int
    seconds: float
    throughput: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    server_cpu_us: float
    generator_cpu_us: float
    peak_mb: float
    resident_mb: float


def account_name(number: int) -> str:
    """The account of the resident with this number, counted from 1."""
    return f"o_bench_{number:05d}"


def punch_ins(first: int, count: int) -> list[Push]:
    """One message by each of the residents `first` and following, all written now."""
    now, base = int(time.time()), secrets.randbits(40) * 1_000_000
    return [
        Push(account_name(number), TEXTS[number % len(TEXTS)], str(base + number), now)
        for number in range(first, first + count)
    ]


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of an ascending, non-empty sequence."""
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


def check_answers(target: Target, pushes: Sequence[Push], answers: Sequence[Answer]) -> None:
    """Decrypt and check every answer; WrongAnswer sums up what was wrong, with one example."""
    problems: Counter[str] = Counter()
    example = ""
    for push, answer in zip(pushes, answers, strict=False):
        try:
            if answer.status != 200:
                raise WrongAnswer(f"status {answer.status}")
            target.check(push, ACCOUNT.open_answer(answer.body))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with an answer is counted
            problems[str(error).partition("\n")[0]] += 1
            example = example or f"{push.text!r} of {push.sender}: {error}"
    if problems:
        counts = "; ".join(f"{count} x {what[:200]}" for what, count in problems.most_common(3))
        raise WrongAnswer(f"{target.name}: {problems.total()} of {len(answers)} wrong: {counts}\n{example}")


def check_text(push: Push, answer: str, *parts: str) -> None:
    """The answer is addressed to the sender and contains all parts."""
    wanted = (f"<ToUserName><![CDATA[{push.sender}]]></ToUserName>", *parts)
    missing = [part for part in wanted if part not in answer]
    if missing:
        raise WrongAnswer(f"lacks {', '.join(missing)}\n{answer}")


@contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder under `var`: a real disk, so that a durable commit costs what it costs."""
    STATE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=STATE) as folder:
        yield Path(folder)


def _drive(server: Server, target: Target, pushes: Sequence[Push], load: Load) -> Run:
    requests = [safe_mode_request(ACCOUNT, push, target.path) for push in pushes]
    return drive(server.port, requests, connections=load.connections, seconds=load.seconds)


def _figures(run: Run, *, server_cpu: float, resident: int, peak: int) -> Figures:
    latencies = sorted(answer.latency for answer in run.answers)
    count = len(latencies)
    return Figures(
        messages=count,
        seconds=run.seconds,
        throughput=count / run.seconds,
        p50_ms=percentile(latencies, 0.50) * 1e3,
        p99_ms=percentile(latencies, 0.99) * 1e3,
        max_ms=latencies[-1] * 1e3,
        server_cpu_us=server_cpu / count * 1e6,
        generator_cpu_us=run.cpu_seconds / count * 1e6,
        peak_mb=peak / 1e6,
        resident_mb=resident / 1e6,
    )


def measure(target: Target, load: Load, folder: Path) -> Figures:
    """One round: start, warm up, drive, stop, and check every answer and what the server has stored."""
    with Server(target.launch(folder, free_port())) as server:
        extra = punch_ins(load.messages + 1, load.warm_up)
        warmed = _drive(server, target, extra, load)
        pushes = punch_ins(1, load.messages)
        before = server.usage()
        run = _drive(server, target, pushes, load)
        after = server.usage()
    check_answers(target, extra, warmed.answers)
    check_answers(target, pushes, run.answers)
    recorded, answered = target.recorded(folder), len(warmed.answers) + len(run.answers)
    if recorded is not None and recorded != answered:
        raise WrongAnswer(f"{target.name}: answered {answered}, but stored {recorded}")
    return _figures(
        run,
        server_cpu=after.cpu_seconds - before.cpu_seconds,
        resident=after.resident_bytes,
        peak=after.peak_bytes,
    )


def median(rounds: Sequence[Figures]) -> Figures:
    """The median of each figure over the rounds."""
    rows = [asdict(figures) for figures in rounds]
    middle = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    return Figures(**{**middle, "messages": int(middle["messages"])})


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure of two targets over each other, round by round: rounds stand close in time."""

    middle: float
    low: float
    high: float


def ratio(upper: Sequence[Figures], lower: Sequence[Figures], figure: str) -> Ratio:
    """The ratio of one figure, by rounds that ran next to each other."""
    values = [getattr(a, figure) / getattr(b, figure) for a, b in zip(upper, lower, strict=True)]
    return Ratio(statistics.median(values), min(values), max(values))


def machine(cores: int) -> str:
    """One line about where the figures come from."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{cores} cores, {python}, {platform.system()} {platform.release()} {platform.machine()}"
