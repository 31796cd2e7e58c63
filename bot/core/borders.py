"""Which divisions border on each other: the ground on which one lone location is asked about before it counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_PROVINCE, _PREFECTURE = 2, 4


class Borders:
    """Borders between provinces (2 digits), and finer ones of prefectures (4 digits) where these are known.

    A border is mutual. A prefecture in the finer table has its whole list there; between two others the provinces
    decide, and two places of one province don't border on each other.
    """

    __slots__ = ("_prefectures", "_provinces")

    def __init__(
        self, provinces: Mapping[str, Iterable[str]], prefectures: Mapping[str, Iterable[str]]
    ) -> None:
        self._provinces = _mutual(provinces)
        of_all = _mutual(prefectures)
        self._prefectures = {one: of_all.get(one, frozenset()) for one in prefectures}

    def between(self, one: str, other: str) -> bool:
        """Whether two divisions (unpadded codes of any length) lie in different places that border on each other.

        A code of a whole province borders on what the province borders on.
        """
        first, second = one[:_PREFECTURE], other[:_PREFECTURE]
        if first == second:
            return False
        if len(first) == len(second) == _PREFECTURE:
            for prefecture, neighbour in ((first, second), (second, first)):
                if prefecture in self._prefectures:
                    return neighbour in self._prefectures[prefecture]
        return other[:_PROVINCE] in self._provinces.get(one[:_PROVINCE], ())


def _mutual(table: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for one, others in table.items():
        for other in others:
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return {one: frozenset(others) for one, others in found.items()}


NO_BORDERS = Borders({}, {})
