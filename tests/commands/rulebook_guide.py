"""Reads the worked example of docs/rulebooks.md: files to write and commands to run, in their order."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from bot.commands.rulebook import register

GUIDE = Path(__file__).parents[2] / "docs" / "rulebooks.md"
_BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One block of the document: a file with its text, or commands with what they print."""

    file: str | None
    text: str


def steps(document: str) -> Iterator[Step]:
    """Every block up to the reference."""
    for language, text in _BLOCK.findall(document.split("\n## The check")[0]):
        first, _, _ = text.partition("\n")
        yield Step(first.removeprefix("# ") if language == "yaml" else None, text)


def called(*arguments: str) -> Result:
    """What a command prints and ends with."""
    cli = typer.Typer()
    register(cli)
    cli.callback()(lambda: None)
    return CliRunner().invoke(cli, arguments)


def played(step: Step, folder: Path) -> str:
    """The block as it is after its file was written in the folder, or its commands were run there."""
    if step.file is not None:
        path = folder / step.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text, encoding="utf-8")
        return step.text
    shown = ""
    for line in step.text.splitlines():
        if line.startswith("$ mkdir -p "):
            (folder / line.split()[-1]).mkdir(parents=True)
            shown += f"{line}\n"
        elif line.startswith("$ "):
            shown += f"{line}\n{called(*shlex.split(line)[4:]).output}"
    return shown
