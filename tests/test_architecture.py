"""Holds the shape of the code: which way imports point, who may know what, and how large a piece may be."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bot", "handlers", "scheduler", "config")
BESIDE = ("tests", "benchmarks")

# From the bottom up: a module may import its own layer and those below it.
LAYERS = (
    ("bot.message", "bot.clock", "bot.errors", "bot.metrics", "bot.logs"),
    ("bot.core",),
    ("bot.store",),
    ("bot.channels",),
    ("bot.notices",),
    ("bot.services",),
    ("bot.conversation",),
    ("handlers", "scheduler"),
)
# Those who put it together may know everybody.
COMPOSITION = (
    "bot.app",
    "bot.platforms",
    "bot.cli",
    "bot.commands",
    "bot.demo",
    "bot.demo_family",
    "bot.demo_phones",
    "bot.demo_script",
    "bot.demo_stage",
    "bot.demo_stories",
    "bot.town",
    "bot.__main__",
)
# Who may import what comes from outside and must stay behind one door.
OUTSIDE = {
    "aiohttp": (
        "handlers.http",
        "bot.channels.http",
        "bot.app",
        "bot.cli",
        "bot.demo",
        "bot.demo_stage",
        "bot.town",
        "bot.services.*_http",
    ),
    "wechatpy": ("bot.channels.wechat",),
    "tortoise": ("bot.store",),
    "aiosqlite": ("bot.store",),
    "asyncpg": ("bot.store",),
    "sqlite3": ("bot.store",),
    "apscheduler": ("scheduler",),
    "typer": ("bot.cli", "bot.commands", "bot.demo"),
    "rich": ("bot.commands",),
    "polars": ("bot.core.columnar", "bot.services.columnar_rescore", "bot.store.frames"),
    "pyarrow": (),
    "adbc_driver_sqlite": ("bot.store",),
    "adbc_driver_postgresql": ("bot.store",),
    "pydantic": ("config.settings", "handlers.http.api", "bot.demo"),
    "pydantic_settings": ("config.settings",),
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
LONGEST_FILE = 400
LONGEST_BODY = 50
ASKING_THE_TIME = {"now", "utcnow", "today"}


@dataclass(frozen=True)
class Source:
    """One Python file of ours: its dotted name, its text and its tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def shown(self) -> str:
        return self.path.relative_to(ROOT).as_posix()


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    return tuple(_read(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


def _read(path: Path) -> Source:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Source(name, path, text, ast.parse(text))


def imports(source: Source) -> Iterator[tuple[str, int]]:
    """Every imported module with its line, those inside functions and for type checking included."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = source.name.split(".")
                up = node.level - (source.path.name == "__init__.py")
                base = ".".join([*folder[: len(folder) - up], *([base] if base else [])])
            # `from handlers.http import probes` imports the module handlers.http.probes
            modules = [f"{base}.{alias.name}" for alias in node.names if _is_module(f"{base}.{alias.name}")]
            yield from ((module, node.lineno) for module in modules or [base])


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def within(name: str, place: str) -> bool:
    """Whether a module stands in a package, is it, or matches `package.*_ending`."""
    if "*" in place:
        return re.fullmatch(place.replace(".", r"\.").replace("*", "[a-z_]+"), name) is not None
    return name == place or name.startswith(f"{place}.")


def composes(source: Source) -> bool:
    return any(within(source.name, place) for place in COMPOSITION)


def layer_of(name: str) -> int | None:
    found = [index for index, places in enumerate(LAYERS) if any(within(name, place) for place in places)]
    return found[0] if found else None


def ours(name: str) -> bool:
    return name.split(".")[0] in (*PACKAGES, *BESIDE)


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a body without its docstring."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1:
        body = body[1:]
    assert body[-1].end_lineno is not None
    return body[-1].end_lineno - body[0].lineno + 1


def violations(check: Callable[[Source], Iterator[str]], *folders: str) -> list[str]:
    return [f"{source.shown}:{problem}" for source in sources(*folders) for problem in check(source)]


def test_every_module_of_ours_has_its_place_in_the_table() -> None:
    homeless = [
        source.name
        for source in sources("bot", "handlers", "scheduler")
        if source.name != "bot" and layer_of(source.name) is None and not composes(source)
    ]
    assert homeless == []


def test_imports_point_down_the_layers() -> None:
    def upward(source: Source) -> Iterator[str]:
        here = layer_of(source.name)
        for name, line in imports(source):
            there = layer_of(name)
            if here is not None and there is not None and there > here:
                yield f"{line}: {source.name} imports {name}"

    assert violations(upward, "bot", "handlers", "scheduler") == []


def test_bottom_modules_import_nothing_of_ours() -> None:
    def known(source: Source) -> Iterator[str]:
        if layer_of(source.name) == 0:
            yield from (f"{line}: {name}" for name, line in imports(source) if ours(name))

    assert violations(known, "bot") == []


def test_core_is_pure_and_knows_only_itself() -> None:
    pure = sys.stdlib_module_names - {
        "os",
        "pathlib",
        "io",
        "socket",
        "sqlite3",
        "asyncio",
        "logging",
        "random",
    }

    def impure(source: Source) -> Iterator[str]:
        if within(source.name, "bot.core"):
            known = {
                *pure,
                "yaml",
                *(("polars", "orjson") if within(source.name, "bot.core.columnar") else ()),
            }
            for name, line in imports(source):
                if not within(name, "bot.core") and name.split(".")[0] not in known:
                    yield f"{line}: {name}"

    assert violations(impure, "bot") == []


def test_core_neither_opens_files_nor_prints() -> None:
    forbidden = {"open", "print", "input", "exec", "eval"}

    def acts(source: Source) -> Iterator[str]:
        if within(source.name, "bot.core"):
            calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
            for call in calls:
                if isinstance(call.func, ast.Name) and call.func.id in forbidden:
                    yield f"{call.lineno}: {call.func.id}"

    assert violations(acts, "bot") == []


def test_only_those_who_put_it_together_know_the_handlers() -> None:
    def knows(source: Source) -> Iterator[str]:
        if composes(source):
            return
        for name, line in imports(source):
            for door in ("handlers", "scheduler"):
                if within(name, door) and not within(source.name, door):
                    yield f"{line}: {name}"

    assert violations(knows, *PACKAGES) == []


def test_only_terminal_and_tests_build_the_application() -> None:
    def builds(source: Source) -> Iterator[str]:
        if not any(within(source.name, place) for place in ("bot.cli", "bot.commands", "bot.demo")):
            yield from (f"{line}: {name}" for name, line in imports(source) if within(name, "bot.app"))

    assert violations(builds, *PACKAGES) == []


def test_settings_are_passed_down_and_never_fetched() -> None:
    def fetches(source: Source) -> Iterator[str]:
        if not composes(source) and source.name != "config.settings":
            yield from (
                f"{line}: {name}" for name, line in imports(source) if within(name, "config.settings")
            )

    assert violations(fetches, *PACKAGES) == []


def test_nothing_reads_the_environment_beside_the_settings() -> None:
    def reads(source: Source) -> Iterator[str]:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
                yield f"{node.lineno}: {node.attr}"

    assert violations(reads, *PACKAGES) == []


def test_conversations_and_doors_do_not_know_each_other() -> None:
    def knows(source: Source) -> Iterator[str]:
        for here, there in (("handlers.chat", "handlers.http"), ("handlers.http", "handlers.chat")):
            if within(source.name, here):
                yield from (f"{line}: {name}" for name, line in imports(source) if within(name, there))

    assert violations(knows, "handlers") == []


@pytest.mark.parametrize("package", OUTSIDE)
def test_package_from_outside_stays_behind_its_door(package: str) -> None:
    def beyond(source: Source) -> Iterator[str]:
        if not any(within(source.name, place) for place in OUTSIDE[package]):
            yield from (f"{line}: {name}" for name, line in imports(source) if within(name, package))

    assert violations(beyond, *PACKAGES) == []


def test_now_and_today_come_from_the_clock_alone() -> None:
    def asks(source: Source) -> Iterator[str]:
        if source.name == "bot.clock":
            return
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                if owner in {"datetime", "date", "dt"} and node.attr in ASKING_THE_TIME:
                    yield f"{node.lineno}: {owner}.{node.attr}"
                if owner == "time" and node.attr in {"time", "time_ns", "localtime", "gmtime"}:
                    yield f"{node.lineno}: {owner}.{node.attr}"

    assert violations(asks, *PACKAGES) == []


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    def long(source: Source) -> Iterator[str]:
        count = len(source.text.splitlines())
        if count > LONGEST_FILE:
            yield f"{count}: lines"

    assert violations(long, *PACKAGES, *BESIDE) == []


def test_no_function_is_longer_than_fifty_lines() -> None:
    def long(source: Source) -> Iterator[str]:
        for function in functions(source):
            count = body_lines(function)
            if count > LONGEST_BODY:
                yield f"{function.lineno}: {function.name} has {count} lines"

    assert violations(long, *PACKAGES, *BESIDE) == []


def test_public_functions_take_at_most_four_parameters_by_position() -> None:
    def many(source: Source) -> Iterator[str]:
        for function in functions(source):
            names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
            positional = [name for name in names if name not in {"self", "cls"}]
            if len(positional) > 4 and not function.name.startswith("_"):
                yield f"{function.lineno}: {function.name} takes {len(positional)} by position"

    assert violations(many, *PACKAGES) == []


def test_no_module_is_named_after_a_drawer() -> None:
    drawers = [
        source.shown
        for source in sources(*PACKAGES, *BESIDE)
        if FORBIDDEN_NAMES & set(source.name.split("."))
    ]
    assert drawers == []


def test_every_module_says_why_it_exists() -> None:
    silent = [
        source.shown
        for source in sources(*PACKAGES)
        if source.text.strip() and not ast.get_docstring(source.tree)
    ]
    assert silent == []


def test_catching_everything_gives_its_reason() -> None:
    def catches(source: Source) -> Iterator[str]:
        lines = source.text.splitlines()
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            everything = isinstance(node.type, ast.Name) and node.type.id == "Exception"
            if node.type is None:
                yield f"{node.lineno}: a bare except"
            elif everything and not re.search(r"# noqa: BLE001 - \w.{10,}", lines[node.lineno - 1]):
                yield f"{node.lineno}: except Exception without a reason"

    assert violations(catches, *PACKAGES, *BESIDE) == []


def test_every_silenced_warning_gives_its_code() -> None:
    def silences(source: Source) -> Iterator[str]:
        for number, line in enumerate(source.text.splitlines(), start=1):
            if re.search(r"#\s*(type:\s*ignore(?!\[)|noqa(?!: [A-Z]+[0-9]+))", line):
                yield f"{number}: {line.strip()}"

    assert violations(silences, *PACKAGES) == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [folder.name for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("import bot.store.work", ["bot.store.work"]),
        ("from bot.store import work", ["bot.store.work"]),
        ("from bot.store.work import Work", ["bot.store.work"]),
        ("def late():\n    from handlers.http import probes", ["handlers.http.probes"]),
    ],
)
def test_imports_are_found_in_every_form(line: str, wanted: list[str]) -> None:
    source = Source("bot.services.made_up", ROOT / "bot" / "services" / "made_up.py", line, ast.parse(line))
    assert [name for name, _ in imports(source)] == wanted


def test_relative_imports_are_resolved_against_their_package() -> None:
    text = "from . import codes\nfrom ..store import work"
    source = Source("bot.services.made_up", ROOT / "bot" / "services" / "made_up.py", text, ast.parse(text))
    assert [name for name, _ in imports(source)] == ["bot.services.codes", "bot.store.work"]
