"""Holds the pins to the project's dependencies, and the image's pins to those of everybody else."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(name: str) -> dict[str, str]:
    """The pinned versions of a lock; every line is a plain pin."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)] == []
    return {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines}


def needed(names: list[str]) -> set[str]:
    """Everything that these requirements bring on this machine, themselves included."""
    waiting = [Requirement(name) for name in names]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {extra for seen_name, extra in seen if seen_name == name}:
            seen.add((name, extra))
            for line in requires(name) or ():
                further = Requirement(line)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    waiting.append(further)
    return {name for name, _ in seen}


def test_everything_that_is_needed_is_pinned() -> None:
    wanted = needed([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
    assert wanted - pins("requirements.lock").keys() == set()


def test_image_gets_exactly_what_the_service_needs() -> None:
    assert pins("requirements-runtime.lock").keys() == needed(PROJECT["dependencies"])


def test_image_gets_the_versions_that_were_tested() -> None:
    everything = pins("requirements.lock")
    assert pins("requirements-runtime.lock").items() <= everything.items()


def test_pins_keep_to_the_ranges_of_the_project() -> None:
    everything = pins("requirements.lock")
    for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]):
        requirement = Requirement(line)
        pinned = everything[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pinned), f"{requirement} but {pinned}"


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = {name: version(name) for name in pins("requirements.lock")}
    assert installed == pins("requirements.lock")
