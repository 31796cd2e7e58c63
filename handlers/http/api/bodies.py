"""What callers send: strict JSON read into models, and every wrong field named without its value."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema

from handlers.http.api.problems import Problem, Wrong

BODY_BYTES = 64 * 1024
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Sent(BaseModel):
    """A body or a query: nothing is converted, nothing unknown is taken, and no error repeats what was sent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Told(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _iso_day(value: object) -> object:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("not a day")
    return date.fromisoformat(value)


Day = Annotated[date, BeforeValidator(_iso_day), WithJsonSchema({"type": "string", "format": "date"})]

AnyModel = TypeVar("AnyModel", bound=BaseModel)

_REASONS: Mapping[str, str] = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "literal_error": "not_one_of",
    "enum": "not_one_of",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "value_error": "wrong_format",
    "string_pattern_mismatch": "wrong_format",
}


async def read_body(request: web.Request) -> Any:
    """The body as decoded JSON; Problem for another type, too many bytes, or what isn't plain JSON."""
    if request.content_type != "application/json":
        raise Problem("not_json_type")
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Problem("too_large") from None
    if len(raw) > BODY_BYTES:
        raise Problem("too_large")
    return decode(raw)


def decode(raw: bytes) -> Any:
    """Decoded JSON; Problem for a key that comes twice, NaN, lone surrogates, or nesting without end."""
    try:
        decoded = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
        json.dumps(decoded, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Problem("not_json") from None
    return decoded


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError("not a JSON number")


def digest(decoded: Any) -> str:
    """The same for the same content, in whatever order its keys came."""
    canonical = json.dumps(decoded, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def checked(model: type[AnyModel], decoded: Any) -> AnyModel:
    """The body as its model; Problem names every wrong field at once."""
    try:
        return model.model_validate_json(json.dumps(decoded))
    except ValidationError as error:
        raise Problem("invalid", _wrong(error)) from None


def checked_query(model: type[AnyModel], request: web.Request) -> AnyModel:
    """The query as its model, each name once; Problem names every wrong one."""
    query = request.query
    twice = [Wrong(name, "unknown_field") for name in set(query) if len(query.getall(name)) > 1]
    if twice:
        raise Problem("bad_query", twice)
    try:
        return model.model_validate_strings(dict(query), strict=True)
    except ValidationError as error:
        raise Problem("bad_query", _wrong(error)) from None


def _wrong(error: ValidationError) -> list[Wrong]:
    """One line a field, in its order; what is said of it is only a reason."""
    found: dict[str, str] = {}
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        unknown = each["type"] == "extra_forbidden"
        # the name of a field that we don't know is the caller's own text
        location = each["loc"][:-1] if unknown else each["loc"]
        found.setdefault("/".join(map(str, location)), _REASONS.get(each["type"], "wrong_type"))
    return [Wrong(name, reason) for name, reason in found.items()]
