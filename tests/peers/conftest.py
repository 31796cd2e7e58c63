"""The optional suite of third parties: `make test-peers` runs it, and says what it ran and what it left out.

A test asks `environment("werobot")` or `node("wechat-crypto", ...)` for its peers; what can't be had is skipped
with a reason.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, cast

import pytest

from tests.peers import environments
from tests.peers.environments import HERE, NODE_PEERS, OWN_PEERS, PYTHON_PEERS, Unavailable
from tests.peers.processes import Runner

SECONDS_WITH_INSTALLATION = 600
USED, MISSING = "peer", "missing peer"
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")


@dataclass
class Roster:
    """What was asked of which peer in this run."""

    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)

    def note(self, name: str, *, version: str | None = None, missing: str | None = None) -> None:
        if version is not None:
            self.versions[name] = version
        if missing is not None:
            self.missing[name] = missing

    def count(self, name: str, outcome: str) -> None:
        self.outcomes.setdefault(name, Counter())[outcome] += 1

    def rows(self) -> list[tuple[str, str, str]]:
        names = (*OWN_PEERS, *PYTHON_PEERS, *NODE_PEERS)
        return [(name, self.versions.get(name, "-"), self._what_ran(name)) for name in names]

    def _what_ran(self, name: str) -> str:
        if name in self.missing:
            return f"skipped: {self.missing[name]}"
        outcomes = self.outcomes.get(name)
        if not outcomes:
            return "not asked in this run"
        return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))


ROSTER = Roster()
Use = Callable[[str, str], None]
LeaveOut = Callable[[Sequence[str], Unavailable], NoReturn]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is of the suite, and may have to install its peer first."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.peers)
            item.add_marker(pytest.mark.timeout(SECONDS_WITH_INSTALLATION))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Read what a test noted; it comes with the report also from another process."""
    if report.when != "call" and report.passed:
        return
    for name, noted in report.user_properties:
        if name in {USED, MISSING}:
            peer, said = cast("tuple[str, str]", noted)
            ROSTER.note(peer, **({"version": said} if name == USED else {"missing": said}))
            ROSTER.count(peer, report.outcome)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not ROSTER.versions and not ROSTER.missing:
        return
    rows = [("peer", "version", "what ran"), *ROSTER.rows()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    terminalreporter.section("third parties")
    for peer, version, what in rows:
        terminalreporter.write_line(f"{peer:<{widths[0]}}  {version:<{widths[1]}}  {what}")


@pytest.fixture
def use(record_property: Callable[[str, object], None]) -> Use:
    """Note that this test asks a peer of this version."""
    return lambda name, version: record_property(USED, (name, version))


@pytest.fixture
def leave_out(record_property: Callable[[str, object], None]) -> LeaveOut:
    """Skip this test, and note whom it could not ask, and why."""

    def skip(names: Sequence[str], reason: Unavailable) -> NoReturn:
        for name in names:
            record_property(MISSING, (name, str(reason)))
        pytest.skip(f"{', '.join(names)}: {reason}")

    return skip


@pytest.fixture
def environment(use: Use, leave_out: LeaveOut) -> Callable[[str], Runner]:
    """`environment("werobot")`: runs scripts of `tests/peers/python/` with that peer's own interpreter."""

    def made(name: str) -> Runner:
        try:
            interpreter = environments.python_environment(name)
        except Unavailable as reason:
            leave_out([name], reason)
        use(name, environments.python_version(name))
        return Runner((str(interpreter), "-I"), environments.PYTHON, _bare_environment())

    return made


@pytest.fixture
def node(use: Use, leave_out: LeaveOut) -> Callable[..., Runner]:
    """`node("wechat-crypto", ...)`: runs scripts of `tests/peers/node/` that use these packages."""

    def made(*names: str) -> Runner:
        try:
            folder = environments.node_folder()
        except Unavailable as reason:
            leave_out(names, reason)
        for name in names:
            use(name, environments.node_version(name))
        return Runner(("node",), folder, _bare_environment())

    return made


@pytest.fixture
def wechatpy(use: Use) -> None:
    """Note that this test asks wechatpy, which is in the service's own environment."""
    use("wechatpy", environments.own_version("wechatpy"))


def _bare_environment() -> dict[str, str]:
    """Nothing of ours, and no proxy: peers talk to loopback only."""
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
