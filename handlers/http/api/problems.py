"""Every refusal of the front end's API, as RFC 9457 problem details, from one table."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from bot.conversation.texts import Texts
from bot.errors import Refused

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:yima:problem:"

STATUS: Mapping[str, int] = {
    "not_json": 400,
    "bad_query": 400,
    "key_missing": 400,
    "login_needed": 401,
    "login_refused": 401,
    "consent_needed": 403,
    "not_found": 404,
    "wrong_method": 405,
    "declare_first": 409,
    "too_large": 413,
    "not_json_type": 415,
    "invalid": 422,
    "key_reused": 422,
    "too_many": 429,
    "failed": 500,
    "unavailable": 503,
}
"""Each kind of problem and its status; its words are `api.<kind>_title` and `api.<kind>_detail`."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one field; `field` is a JSON pointer without its first slash, such as `stays/0/to`."""

    field: str
    reason: str


@dataclass(eq=False)
class Problem(Refused):
    """The call is refused; the kind is one of STATUS."""

    kind: str
    errors: Sequence[Wrong] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.kind)


def invalid(*errors: Wrong) -> Problem:
    """Everything that is wrong with a body, at once."""
    return Problem("invalid", errors)


def answer(problem: Problem, texts: Texts, language: str) -> web.Response:
    """The problem as the caller reads it; nothing of what was sent is repeated."""
    kind = problem.kind
    shown: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{kind}",
        "title": texts.say(language, f"api.{kind}_title"),
        "status": STATUS[kind],
        "detail": texts.say(language, f"api.{kind}_detail"),
        "instance": f"urn:uuid:{uuid.uuid4()}",
    }
    if problem.errors:
        shown["errors"] = [
            {
                "field": wrong.field,
                "reason": wrong.reason,
                "message": texts.say(language, f"api.reason_{wrong.reason}"),
            }
            for wrong in problem.errors
        ]
    return web.Response(
        status=STATUS[kind],
        body=orjson.dumps(shown),
        headers={"Content-Type": MEDIA_TYPE, "Content-Language": language, **problem.headers},
    )
