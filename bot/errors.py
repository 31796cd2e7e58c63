"""The tree of errors and the one table that says what each becomes at the door.

YimaError
├── Refused            a request that is not let in: signature, time window, size, form
│   ├── TooLarge
│   ├── BadRequest     let in, but not understandable
│   └── FactRefused    a fact that may not be stored; names everything that is wrong with it
├── NotFound
├── NotLoaded          a handler needs more of a resident than was read; it runs again with all of it
├── Conflict           somebody else changed the same rows first
├── LeaseLost          another process has taken over this part of a job
├── Unavailable        a part that is needed can't be reached now
├── Misconfigured      a setting is missing or wrong; names the variable, never its value
├── NoWords            a notice can't be put into words for that channel
├── Unsealable         a sealed value can't be opened: wrong key, wrong column, damaged
├── MigrationRefused   the schema can't be brought to head safely
├── Locked             another process serves this database file
└── DataError          a file of ours (rule book, scheme, texts) is wrong; names file and line
    ├── RuleBookError
    ├── SchemeError
    ├── BordersError
    ├── PolicyError
    ├── RetentionError
    └── TextsError

The class docstring is the default message; what is worth knowing are attributes, never personal data.
"""

from __future__ import annotations

from collections.abc import Sequence


class YimaError(Exception):
    """Something went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class Refused(YimaError):
    """The request was refused."""

    def __init__(self, reason: str = "refused") -> None:
        super().__init__(f"refused: {reason}")
        self.reason = reason


class TooLarge(Refused):
    """The body is larger than this door takes."""

    def __init__(self, reason: str = "body_too_large") -> None:
        super().__init__(reason)


class BadRequest(Refused):
    """The request can't be understood."""


class FactRefused(Refused):
    """The fact can't be taken."""

    def __init__(self, problems: Sequence[str] = ()) -> None:
        super().__init__("bad_fact")
        self.problems = tuple(problems)
        self.args = (f"fact refused: {'; '.join(problems)}" if problems else "fact refused",)


class NotFound(YimaError):
    """There is no such thing."""


class NotLoaded(YimaError):
    """Not everything of the resident was read."""


class Conflict(YimaError):
    """Somebody else changed the same rows first."""


class LeaseLost(YimaError):
    """Another process has taken this part over."""


class Unavailable(YimaError):
    """A part that is needed can't be reached now."""


class Misconfigured(YimaError):
    """A setting is missing or wrong."""


class Unsealable(YimaError):
    """A sealed value can't be opened."""


class NoWords(YimaError):
    """A notice can't be put into words."""


class MigrationRefused(YimaError):
    """The schema can't be brought to head safely."""


class Locked(YimaError):
    """Another process serves this database file."""


class DataError(YimaError):
    """A data file is wrong."""

    def __init__(self, problems: Sequence[str] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class RuleBookError(DataError):
    """A rule book is wrong."""


class SchemeError(DataError):
    """A scheme is wrong."""


class BordersError(DataError):
    """The table of borders is wrong."""


class PolicyError(DataError):
    """What communities decide about daily reports is wrong."""


class RetentionError(DataError):
    """The table of what is kept how long is wrong."""


class TextsError(DataError):
    """A text is missing or wrong."""


STATUS: dict[type[YimaError], int] = {
    TooLarge: 413,
    BadRequest: 400,
    FactRefused: 422,
    Refused: 403,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
    YimaError: 500,
}


def status_of(error: YimaError) -> int:
    """The HTTP status of an error: that of its nearest ancestor in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
