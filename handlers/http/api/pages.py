"""Lists that are read page by page, the newest first, with a cursor that survives whatever comes in between."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from handlers.http.api.bodies import Sent
from handlers.http.api.problems import Problem, Wrong

_TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = re.compile(r"([0-9]{1,18}):([0-9]{1,19})")
_LATEST = 10**17  # microseconds; some thousand years from 1970
_LARGEST = 2**63
_PAGE = 20
MOST = 100

Cursor = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{4,60}$")]


class PageAsked(Sent):
    """Which page: what comes behind `after`, at most `limit` entries."""

    after: Cursor | None = Field(None, description="`next` of the page before.")
    limit: Annotated[int, Field(ge=1, le=MOST, strict=False)] = _PAGE


@dataclass(frozen=True, slots=True)
class Place:
    """The last entry that was read: its instant and its id."""

    at: datetime
    id: int

    @classmethod
    def behind(cls, query: PageAsked) -> Place | None:
        """Where the page begins; Problem for a cursor that was never given out."""
        if query.after is None:
            return None
        try:
            plain = urlsafe_b64decode(query.after + "=" * (-len(query.after) % 4)).decode("ascii")
        except (Error, ValueError):
            plain = ""
        found = _PLAIN.fullmatch(plain)
        if found is None or int(found[1]) >= _LATEST or int(found[2]) >= _LARGEST:
            raise Problem("bad_query", [Wrong("after", "wrong_format")])
        return cls(_EPOCH + int(found[1]) * _TICK, int(found[2]))

    def cursor(self) -> str:
        """The same as `next` of a page."""
        plain = f"{(self.at - _EPOCH) // _TICK}:{self.id}"
        return urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    def condition(self, at: str, id_: str = "id") -> tuple[str, list[Any]]:
        """SQL that holds for what comes behind, and its parameters."""
        return f" AND ({at} < ? OR ({at} = ? AND {id_} < ?))", [self.at, self.at, self.id]
