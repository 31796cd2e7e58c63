"""Holds the documents to what is there: every path, command, variable and link that they name."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from bot.cli import cli
from bot.conversation.context import Context
from bot.conversation.routing import Route, always
from bot.message import Incoming, Kind, Reply
from bot.metrics import Metrics
from bot.store import models
from bot.store.database import Database
from tests.conversation.world import make_engine
from tests.fakes.clock import MORNING

ROOT = Path(__file__).resolve().parent.parent
NAMED = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
LANGUAGES = ("README.md", "README.zh-CN.md")
DOCUMENTS = sorted({*(ROOT / name for name in NAMED), *(ROOT / "docs").rglob("*.md")})
TOP = {path.name for path in ROOT.iterdir()} - {"var"}
# Names with a part to be filled in are checked up to that part.
PLACEHOLDER = re.compile(r"<[^>]*>|\{[^}]*\}|\*|NNN|NAME|…")
# Made on a machine, never in a checkout.
MADE = ("var/", ".venv", ".env")

# Put together from pieces, so that this file doesn't contain what it looks for.
REGISTRIES = tuple(
    "".join(pieces)
    for pieces in (
        ("py", "pi", ".org"),
        ("python", "hosted", ".org"),
        ("registry", ".npm", "js.org"),
        ("npm", "mirror", ".com"),
        ("mirrors", ".aliyun", ".com"),
        ("tuna.", "tsinghua", ".edu.cn"),
        ("proxy.", "golang", ".org"),
        ("crates", ".io"),
        ("docker", ".io"),
        ("quay", ".io"),
        ("gcr", ".io"),
    )
)
MACHINE_PATHS = re.compile(
    "|".join(
        "(?<![\\w.])/" + folder + "/"
        for folder in ("wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers", "tm" + "p")
    )
)
TEXTS = {
    "",
    ".cfg",
    ".cjs",
    ".mjs",
    ".css",
    ".dockerignore",
    ".example",
    ".gitignore",
    ".html",
    ".js",
    ".json",
    ".lock",
    ".lua",
    ".md",
    ".py",
    ".sh",
    ".svg",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
}


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def code(document: Path) -> Iterator[str]:
    """Every piece of code in a document: the spans, and the lines of the blocks without their comments."""
    text = document.read_text(encoding="utf-8")
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        yield from (line.split("  #")[0].strip().removeprefix("$ ") for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def links(document: Path) -> Iterator[str]:
    return iter(re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")))


def paths(document: Path) -> Iterator[str]:
    """What looks like a path of this repository: it begins with something that stands at the top."""
    for piece in code(document):
        for word in re.split(r"[\s,;()\"']+", piece):
            name = word.rstrip(".:")
            if name.split("/")[0] in TOP and ("/" in name or "." in name):
                yield name


def commands(document: Path, start: str) -> Iterator[str]:
    for piece in code(document):
        for part in re.split(r"&&|\||;", piece):
            words = re.sub(r"^\s*(?:[A-Z_]+=\S+\s+)*(?:\S+/(?=python))?", "", part).strip()
            if words == start or words.startswith(f"{start} "):
                yield words


@cache
def targets() -> frozenset[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))


def resolved(name: str) -> bool:
    """Whether a path exists; one with a part to be filled in, whether something fits it."""
    if any(name.startswith(made) and name != ".env.example" for made in MADE):
        return True
    if PLACEHOLDER.search(name):
        return any(ROOT.glob(PLACEHOLDER.sub("*", name)))
    return (ROOT / name).exists()


def ids(paths_: list[Path]) -> list[str]:
    return [shown(path) for path in paths_]


@pytest.mark.parametrize("name", NAMED)
def test_document_that_everybody_expects_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    assert [name for name in paths(document) if not resolved(name)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    inside = [link.split("#")[0] for link in links(document) if not re.match(r"https?://|mailto:|#", link)]
    assert [link for link in inside if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_every_make_target_that_a_document_names_exists(document: Path) -> None:
    named = [word for each in commands(document, "make") for word in each.split()[1:] if "=" not in word]
    assert set(named) - targets() == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_every_command_that_a_document_names_exists(document: Path) -> None:
    for command in commands(document, "python -m bot"):
        words = shlex.split(command.replace("…", ""))[3:]
        group = get_command(cli)
        while words and isinstance(group, TyperGroup):
            assert words[0] in group.commands, f"{shown(document)}: {command}"
            group = group.commands[words.pop(0)]
        options = {option for parameter in group.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, f"{shown(document)}: {command}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_every_module_that_a_document_runs_exists(document: Path) -> None:
    modules = {
        match[1] for piece in code(document) for match in re.finditer(r"python -m ([a-z_.]+)", piece)
    } - {"venv", "pip", "pytest"}
    missing = [
        name
        for name in modules
        if not (
            ROOT.joinpath(*name.split(".")).with_suffix(".py").is_file()
            or ROOT.joinpath(*name.split(".")).is_dir()
        )
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids(DOCUMENTS))
def test_every_setting_that_a_document_names_exists(document: Path) -> None:
    known = set(
        re.findall(r"^(YIMA_\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    known |= {"YIMA_TEST_BACKEND", "YIMA_TEST_DATABASE_URL"}
    named = set(re.findall(r"\bYIMA_[A-Z_]*[A-Z]\b", document.read_text(encoding="utf-8")))
    assert {
        name for name in named if not any(each == name or each.startswith(f"{name}__") for each in known)
    } == set()


def test_both_readmes_name_the_same_commands_in_one_order() -> None:
    english, chinese = ([*_all_commands(ROOT / name)] for name in LANGUAGES)
    assert english == chinese
    assert english[:2] == ["make run", "make test"]


def _all_commands(document: Path) -> Iterator[str]:
    for piece in code(document):
        if re.match(r"make |python -m bot|docker |git ", piece):
            yield piece


def test_both_readmes_link_to_each_other_and_to_the_same_files() -> None:
    english, chinese = (set(links(ROOT / name)) for name in LANGUAGES)
    assert "README.zh-CN.md" in english
    assert "README.md" in chinese
    assert english - {"README.zh-CN.md"} == chinese - {"README.md"}


def test_operators_are_told_of_exactly_the_metrics_that_exist() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    samples = (
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in Metrics().registry.collect()
    )
    assert set(re.findall(r"^\| `(yima_\w+)`", text, flags=re.MULTILINE)) == set(samples)


def test_privacy_document_knows_every_table_and_every_sealed_column() -> None:
    text = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    tables = [getattr(models, name)._meta for name in models.__all__]
    kept = {
        column for table in tables for column in table.fields_map if re.search("_(sealed|index)$", column)
    }
    assert {table.db_table for table in tables} - named == set()
    assert {name for name in named if re.search("_(sealed|index)$", name)} == kept


def test_check_notices_paths_and_commands_that_are_gone(tmp_path: Path) -> None:
    document = tmp_path / "guide.md"
    document.write_text(
        "See `bot/nowhere.py`.\n\n```sh\nmake nothing  # never\n.venv/bin/python -m bot vanish\n```\n",
        encoding="utf-8",
    )
    assert [name for name in paths(document) if not resolved(name)] == ["bot/nowhere.py"]
    assert list(commands(document, "make")) == ["make nothing"]
    assert list(commands(document, "python -m bot")) == ["python -m bot vanish"]


async def test_journey_lists_exactly_the_frames_of_a_message(database: Database) -> None:
    seen: list[str] = []

    async def look_back(message: Incoming, ctx: Context) -> Reply:
        frame: FrameType | None = sys._getframe().f_back
        while frame is not None:
            if Path(frame.f_code.co_filename).is_relative_to(ROOT / "bot"):
                seen.insert(0, frame.f_code.co_qualname)
            frame = frame.f_back
        return Reply.of("seen")

    engine = make_engine(database, [Route("all", always, look_back)])
    await engine.open()
    await engine.receive(
        Incoming(
            channel="wechat_official", account="o_li", key="1", kind=Kind.TEXT, received_at=MORNING, text="hi"
        )
    )
    await engine.close()
    listed = re.findall(
        r"^\| \d+ \| `([\w.]+)`",
        (ROOT / "docs" / "journey.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert listed == ["receive_message", "Engine.receive", *seen]


def test_changelog_begins_with_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE)[0] == "[Unreleased]"


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [name[:3] for name in names] == [f"{number:03}" for number in range(1, len(names) + 1)]


@cache
def tracked() -> tuple[Path, ...]:
    """Every text file of the repository, those not yet committed included."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=30,
    ).stdout.decode()
    found = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in found if path.is_file() and path.suffix in TEXTS)


def test_files_of_the_repository_are_found() -> None:
    assert ROOT / "README.md" in tracked()
    assert len(tracked()) > 100


def test_no_file_names_a_registry_host() -> None:
    found = [
        f"{shown(path)}: {host}"
        for path in tracked()
        for host in REGISTRIES
        if host in path.read_text(encoding="utf-8")
    ]
    assert found == []


def test_no_file_names_a_path_of_some_machine() -> None:
    found = [
        f"{shown(path)}:{number}"
        for path in tracked()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MACHINE_PATHS.search(line)
    ]
    assert found == []


def test_every_text_file_ends_with_a_line_end() -> None:
    texts = ((path, path.read_text(encoding="utf-8")) for path in tracked())
    assert [shown(path) for path, text in texts if text and not text.endswith("\n")] == []
