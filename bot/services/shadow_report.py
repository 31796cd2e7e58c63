"""A shadow run as people read it: the same figures for the terminal and for the page, small cells hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.services.shadow import LEVELS, Flow, Picture, Reason, Tried, changed

KINDS = ("green", "yellow", "pending", "red", "grey")
SMALLEST = 5  # a smaller cell could be somebody
MOST_PLACES = 40
_WIDTH = 100.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a plot: what it is called, how many, and the parts of the bar as (kind, x, width)."""

    code: str
    zh: str
    en: str
    count: str
    share: str
    parts: tuple[tuple[str, float, float], ...]
    flows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown, in words and figures that are ready to be printed."""

    scheme: Mapping[str, str]
    version: str
    source: str
    in_force: str
    illustrative: bool
    division: str
    at: datetime
    people: int
    changed: str
    seconds: float
    way: str
    kinds: tuple[str, ...]
    matrix: tuple[tuple[str, tuple[tuple[str, str], ...], str], ...]
    reasons: tuple[Bar, ...]
    places: tuple[tuple[int, tuple[Bar, ...], int], ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What the run was: whose code, which place, when, how long, how."""

    scheme: Mapping[str, str]
    division: str
    source: str
    at: datetime
    seconds: float
    way: str


def make_report(
    picture: Picture, tried: Tried, setting: Setting, name_of: Callable[[str], str | None]
) -> Report:
    """The report of a picture; `name_of` gives the name of a division."""
    kinds = tuple(kind for kind in KINDS if any(kind in flow for flow in picture.flows)) or KINDS[:1]
    return Report(
        scheme=setting.scheme,
        version=tried.book.version,
        source=setting.source,
        in_force=tried.in_force.version if tried.in_force is not None else "–",
        illustrative=tried.book.illustrative,
        division=setting.division,
        at=setting.at,
        people=picture.people,
        changed=shown(picture.changed),
        seconds=setting.seconds,
        way=setting.way,
        kinds=kinds,
        matrix=tuple(_matrix_row(picture, old, kinds) for old in kinds),
        reasons=_reasons(picture, tried),
        places=tuple(_places(picture, length, name_of) for length in LEVELS),
    )


def shown(count: int) -> str:
    """A count as it may be shown: small ones only as such."""
    return f"<{SMALLEST}" if 0 < count < SMALLEST else f"{count:,}"


def total(counts: list[int]) -> str:
    """A sum as it may be shown: rounded to tens where a hidden part could be found by subtraction."""
    whole = sum(counts)
    if whole < SMALLEST or not any(0 < count < SMALLEST for count in counts):
        return shown(whole)
    return f"≈{max(round(whole, -1), 10):,}"


def render(report: Report, folder: Path) -> str:
    """The page: one file that needs no other and no script."""
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("shadow.html")
    return page.render(report=report, colour_zh=_COLOURS_ZH, level_names=_LEVEL_NAMES, smallest=SMALLEST)


_COLOURS_ZH = {"green": "绿码", "yellow": "黄码", "pending": "黄码·待核实", "red": "红码", "grey": "灰码"}
_LEVEL_NAMES = {2: ("省", "Province"), 4: ("市", "City"), 6: ("区县", "County")}
_MISSING = {
    "identity": ("身份未核实", "identity not verified"),
    "declaration": ("没有申报", "no declaration"),
    "home": ("没有住址", "no home"),
    "report": ("没有近期打卡", "no recent report"),
    "risk": ("某地风险等级未知", "the risk level of a place is not known"),
    "rule_book": ("没有生效的规则", "no rule book in force"),
    "nothing": ("已没有命中", "nothing is found any more"),
}


def _matrix_row(
    picture: Picture, old: str, kinds: tuple[str, ...]
) -> tuple[str, tuple[tuple[str, str], ...], str]:
    counts = [picture.flows[(old, new)] for new in kinds]
    cells = tuple((new, shown(count)) for new, count in zip(kinds, counts, strict=True))
    return old, cells, total(counts)


def _reasons(picture: Picture, tried: Tried) -> tuple[Bar, ...]:
    ordered = sorted(picture.reasons.items(), key=lambda item: (-item[1].total(), item[0]))
    most = ordered[0][1].total() if ordered else 0
    return tuple(
        _bar(reason[1], _words(reason, tried), flows, most=most, share="") for reason, flows in ordered
    )


def _words(reason: Reason, tried: Tried) -> tuple[str, str]:
    kind, name = reason
    if kind == "missing":
        return _MISSING.get(name, (name, name))
    texts = next(
        (book.by_id[name].text for book in tried.history.versions if name in book.by_id), {"zh": name, "en": name}
    )  # fmt: skip
    if kind == "met":
        return texts["zh"], texts["en"]
    return f"不再命中：{texts['zh']}", f"no longer: {texts['en']}"


def _places(
    picture: Picture, length: int, name_of: Callable[[str], str | None]
) -> tuple[int, tuple[Bar, ...], int]:
    """The places of one level with the most changes, and how many more there are."""
    found = [
        (code, flows) for code, flows in picture.places.items() if len(code) == length and changed(flows)
    ]
    found.sort(key=lambda item: (-changed(item[1]), item[0]))
    most = changed(found[0][1]) if found else 0
    bars = []
    for code, flows in found[:MOST_PLACES]:
        moving = {flow: count for flow, count in flows.items() if flow[0] != flow[1]}
        count, everybody = sum(moving.values()), flows.total()
        share = f"{count / everybody:.1%}" if count >= SMALLEST else ""
        bars.append(_bar(code, (name_of(code) or "", code), moving, most=most, share=share))
    return length, tuple(bars), len(found) - len(bars)


def _bar(code: str, words: tuple[str, str], flows: Mapping[Flow, int], *, most: int, share: str) -> Bar:
    """A bar in parts by the new colour; a small one has the length of the smallest that is shown."""
    whole = sum(flows.values())
    by_new = [(kind, sum(count for (_, new), count in flows.items() if new == kind)) for kind in KINDS]
    width = _WIDTH * max(whole, SMALLEST) / max(most, SMALLEST)
    parts, x = [], 0.0
    for kind, count in by_new:
        if count:
            # the shares of a small bar, and a small share of a large one, would tell what is hidden
            part = width if whole < SMALLEST else width * max(count, SMALLEST) / whole
            part = min(part, width - x)
            parts.append((kind if whole >= SMALLEST else "some", round(x, 2), round(part, 2)))
            x += part
            if whole < SMALLEST:
                break
    ordered = sorted(flows.items(), key=lambda item: (-item[1], item[0]))
    return Bar(
        code, words[0], words[1], total([count for _, count in ordered]), share, tuple(parts),
        tuple((old, new, shown(count)) for (old, new), count in ordered),
    )  # fmt: skip
