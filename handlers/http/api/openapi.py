"""The OpenAPI 3.1 document of the front end's API, made from the table of operations and its models.

`python -m handlers.http.api.openapi` writes `docs/openapi.json`, which a test holds equal to what is served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from handlers.http.api.bodies import Told
from handlers.http.api.calls import PREFIX, Operation
from handlers.http.api.codes import SCHEME
from handlers.http.api.operations import OPERATIONS
from handlers.http.api.problems import MEDIA_TYPE, STATUS, TYPE_PREFIX

FILE = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"
VERSION = "1.0.0"
_REF = "#/components/schemas/{model}"
_DESCRIPTION = (
    "The mini-program's front end talks to Yima through this. Log in with the platform's code, agree, declare, and "
    "punch in. Every POST carries an Idempotency-Key: the same key again gets the same answer."
)


class FieldProblem(Told):
    """What is wrong with one field. What was sent is never repeated."""

    field: str = Field(examples=["stays/0/to"])
    reason: str = Field(examples=["day_to_come"])
    message: str


class ProblemTold(Told):
    """Problem details (RFC 9457). `type` tells the kinds apart."""

    type: str = Field(pattern=f"^{TYPE_PREFIX}[a-z_]+$", examples=[f"{TYPE_PREFIX}consent_needed"])
    title: str
    status: int
    detail: str
    instance: str = Field(pattern="^urn:uuid:[0-9a-f-]{36}$")
    errors: list[FieldProblem] | None = Field(
        None, description="Every wrong field, where there are any.", exclude_if=lambda errors: errors is None
    )


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"{PREFIX}{operation.path}", {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Yima", "version": VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
            "headers": _headers(),
            "responses": {kind: _problem(kinds) for kind, kinds in _by_status(STATUS).items()},
        },
    }


def _models() -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    found: dict[type[BaseModel], JsonSchemaMode] = {ProblemTold: "serialization"}
    for operation in OPERATIONS:
        if operation.body is not None:
            found[operation.body] = "validation"
        if operation.answer is not None:
            found[operation.answer] = "serialization"
    return list(found.items())


def _schemas() -> dict[str, Any]:
    _, made = models_json_schema(_models(), ref_template=_REF)
    schemas: dict[str, Any] = made["$defs"]
    return schemas


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
        "security": [] if operation.enter is not None else [{"session": []}],
    }
    if operation.body is not None:
        content = {"application/json": {"schema": {"$ref": _REF.format(model=operation.body.__name__)}}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    made = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", **_scheme_schema()}}
        for name in re.findall(r"\{([a-z]+)\}", operation.path)
    ]
    if operation.keyed:
        made.append(_KEY)
    if operation.query is not None:
        schema = operation.query.model_json_schema(mode="validation")
        for name, one in schema["properties"].items():
            description = one.pop("description", "")
            nullable = [each for each in one.pop("anyOf", []) if each != {"type": "null"}]
            plain = {**one, **(nullable[0] if nullable else {})}
            plain = {key: value for key, value in plain.items() if value is not None and key != "title"}
            made.append({"name": name, "in": "query", "schema": plain, "description": description})
    return [*made, _LANGUAGE]


def _scheme_schema() -> dict[str, Any]:
    patterns = [each.pattern for each in SCHEME.metadata if hasattr(each, "pattern")]
    return {"pattern": patterns[0], "examples": SCHEME.examples}


_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Chosen by the caller for this one action; the same again gets the same answer, within two days.",
    "schema": {"type": "string", "pattern": "^[!-~]{8,64}$", "minLength": 8, "maxLength": 64},
    "example": "5b7c2a9e-64f1-4c0a-9c1d-0c5f6f1f2a11",
}
_LANGUAGE: dict[str, Any] = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "description": "zh or en; otherwise the language of the account.",
    "schema": {"type": "string"},
    "example": "zh-CN",
}


def _responses(operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done.", "headers": _rate_headers()}
    if operation.answer is not None:
        schema = {"$ref": _REF.format(model=operation.answer.__name__)}
        success["content"] = {"application/json": {"schema": schema}}
    problems = _by_status(problems_of(operation))
    return {
        str(operation.status): success,
        **{status: {"$ref": f"#/components/responses/{status}"} for status in sorted(problems)},
    }


def problems_of(operation: Operation) -> list[str]:
    """Every kind of problem that an operation may answer with."""
    found = ["bad_query", "too_many", "failed", "unavailable", *operation.problems]
    if operation.act is not None:
        found.append("login_needed")
        if operation.consent:
            found.append("consent_needed")
    if operation.keyed:
        found += ["key_missing", "key_reused"]
    if operation.body is not None:
        found += ["not_json", "not_json_type", "too_large", "invalid"]
    return found


def _by_status(kinds: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind in kinds:
        found.setdefault(str(STATUS[kind]), []).append(kind)
    return found


def _problem(kinds: Sequence[str]) -> dict[str, Any]:
    names = ", ".join(f"`{kind}`" for kind in kinds)
    schema = {"$ref": _REF.format(model=ProblemTold.__name__)}
    return {
        "description": f"One of {names}.",
        "headers": _rate_headers(),
        "content": {MEDIA_TYPE: {"schema": schema}},
    }


def _rate_headers() -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _headers()}


def _headers() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0}
    said = {
        "RateLimit-Limit": "How many calls a minute one caller has.",
        "RateLimit-Remaining": "How many are left now.",
        "RateLimit-Reset": "Seconds until all are there again.",
    }
    return {name: {"description": words, "schema": number} for name, words in said.items()}


def rendered() -> str:
    """The document as it is committed."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(rendered(), encoding="utf-8")
