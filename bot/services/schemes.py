"""The health-code systems that Yima knows, one file each: `<folder>/<id>.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bot.core.facts import DIVISION
from bot.core.yaml_lines import Problems, Reader
from bot.errors import SchemeError
from bot.services.yaml_files import read_yaml_file

PURPOSES = ("travel", "return_to_work", "entry")
PLATFORMS = ("wechat", "alipay")
WANTS = ("temperature", "symptoms", "contacts", "place")
_ID = re.compile(r"[a-z][a-z0-9_]{1,31}")


@dataclass(frozen=True, slots=True)
class PunchInWanted:
    """What a scheme wants of a punch-in, and every how many days; `held`: only while its colour isn't green."""

    every_days: int
    wants: tuple[str, ...]
    held: bool = False


@dataclass(frozen=True, slots=True)
class Scheme:
    """One health-code system. `place` is a division code, or empty for the whole country."""

    id: str
    name: Mapping[str, str]
    issuer: Mapping[str, str]
    platform: str
    place: str
    purposes: tuple[str, ...]
    decided: str
    rulebook: str | None
    recognises: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]]
    punch_in: PunchInWanted
    order: int

    @property
    def local(self) -> bool:
        """Whether its colours are decided here, by a rule book."""
        return self.decided == "locally"


class Schemes:
    """All schemes, in the order in which people see them."""

    __slots__ = ("_by_id",)

    def __init__(self, schemes: tuple[Scheme, ...] = ()) -> None:
        ordered = sorted(schemes, key=lambda scheme: (scheme.order, scheme.id))
        self._by_id = {scheme.id: scheme for scheme in ordered}

    def __iter__(self) -> Iterator[Scheme]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, scheme_id: object) -> bool:
        return scheme_id in self._by_id

    def get(self, scheme_id: str) -> Scheme | None:
        """The scheme of that id; None if there is none."""
        return self._by_id.get(scheme_id)

    def for_place(self, division: str) -> tuple[Scheme, ...]:
        """The schemes that rule in that division: its own, those of the divisions around it, and nationwide ones."""
        return tuple(scheme for scheme in self if division.startswith(scheme.place))

    def by_alias(self, word: str) -> Scheme | None:
        """The scheme that people call by that word, whatever its case; None if nobody does."""
        wanted = word.strip().casefold()
        for scheme in self:
            words = (*scheme.name.values(), *(one for alias in scheme.aliases.values() for one in alias))
            if wanted == scheme.id or wanted in (one.casefold() for one in words):
                return scheme
        return None


def load_schemes(folder: Path) -> Schemes:
    """All schemes of a folder; SchemeError with the problems of all files if there is one."""
    found: list[tuple[Scheme, Reader]] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        noted = Problems(path.relative_to(folder.parent).as_posix())
        scheme = _read_file(path, noted)
        if scheme is not None:
            found.append(scheme)
        problems.extend(noted.lines())
    if not found and not problems:
        problems.append(f"{folder.name}:1: there is no scheme")
    problems.extend(_problems_together(found))
    if problems:
        raise SchemeError(sorted(problems))
    return Schemes(tuple(scheme for scheme, _ in found))


def _read_file(path: Path, problems: Problems) -> tuple[Scheme, Reader] | None:
    document = read_yaml_file(path, problems)
    if document is None:
        return None
    reader = Reader(document, problems, "the scheme")
    scheme = _read_scheme(reader)
    if scheme.id and scheme.id != path.stem:
        reader.problem(f"the file is called {path.stem}, the scheme {scheme.id}", "id")
    return scheme, reader


def _read_scheme(reader: Reader) -> Scheme:
    scheme_id = reader.text("id")
    if scheme_id and not _ID.fullmatch(scheme_id):
        reader.problem(f"not an id: {scheme_id!r}", "id")
    place = reader.text("place", required=False)
    if place and not DIVISION.fullmatch(place):
        reader.problem(f"not a division code: {place!r}", "place")
    if place.endswith("00") and len(place) > 2:
        reader.problem(f"a division code is written without its padding zeros: {place!r}", "place")
    scheme = Scheme(
        id=scheme_id,
        name=MappingProxyType(reader.translations("name")),
        issuer=MappingProxyType(reader.translations("issuer")),
        platform=reader.text("platform", among=PLATFORMS),
        place=place,
        purposes=reader.texts("purposes", among=PURPOSES),
        decided=reader.text("decided", among=("locally", "remotely")),
        rulebook=reader.text("rulebook", required=False) or None,
        recognises=reader.texts("recognises", required=False),
        aliases=MappingProxyType(_read_aliases(reader)),
        punch_in=_read_punch_in(reader),
        order=reader.number("order", 100, high=10_000),
    )
    if scheme.local and scheme.rulebook is None:
        reader.problem("a scheme that is decided locally needs a 'rulebook'")
    if scheme.decided == "remotely" and scheme.rulebook is not None:
        reader.problem("a scheme that is decided remotely has no 'rulebook' here", "rulebook")
    if scheme.id in scheme.recognises:
        reader.problem("a scheme recognises others, not itself", "recognises")
    reader.finish()
    return scheme


def _read_aliases(reader: Reader) -> dict[str, tuple[str, ...]]:
    found = reader.mapping("aliases", required=False)
    if found is None:
        return {}
    aliases = {language: found.texts(language, required=False) for language in ("zh", "en")}
    found.finish()
    return aliases


def _read_punch_in(reader: Reader) -> PunchInWanted:
    found = reader.mapping("punch_in")
    if found is None:
        return PunchInWanted(1, ())
    wanted = PunchInWanted(
        found.number("every_days", 1, low=1, high=366),
        found.texts("wants", among=WANTS),
        found.text("while", "always", required=False, among=("always", "held")) == "held",
    )
    found.finish()
    return wanted


def _problems_together(found: list[tuple[Scheme, Reader]]) -> list[str]:
    """Schemes that others recognise must exist, and nobody may be called by two schemes' name."""
    ids = {scheme.id for scheme, _ in found}
    problems: list[str] = []
    called: dict[str, str] = {}
    for scheme, reader in found:
        name = reader.problems.name
        for other in scheme.recognises:
            if other not in ids:
                problems.append(
                    f"{name}:{reader.line_of('recognises')}: there is no scheme {other!r} to recognise"
                )
        words = {*scheme.name.values(), *(one for alias in scheme.aliases.values() for one in alias)}
        for word in sorted(one.casefold() for one in words):
            owner = called.setdefault(word, scheme.id)
            if owner != scheme.id:
                problems.append(
                    f"{name}:{reader.line_of('aliases')}: {word!r} already names the scheme {owner!r}"
                )
    return problems
