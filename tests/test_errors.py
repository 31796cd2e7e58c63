from __future__ import annotations

import inspect

import pytest

from bot import errors
from bot.conversation.routing import RoutesError
from bot.errors import (
    STATUS,
    BadRequest,
    Conflict,
    DataError,
    Misconfigured,
    NotFound,
    PolicyError,
    Refused,
    RetentionError,
    RuleBookError,
    SchemeError,
    TextsError,
    TooLarge,
    Unavailable,
    YimaError,
    status_of,
)

TREE = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, YimaError) and each is not YimaError
]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_stands_in_the_drawn_tree(kind: type[YimaError]) -> None:
    assert errors.__doc__ is not None
    assert any(
        line.split("── ")[-1].split()[0] == kind.__name__
        for line in errors.__doc__.splitlines()
        if "──" in line
    )


@pytest.mark.parametrize("kind", TREE)
def test_every_error_can_be_raised_without_arguments(kind: type[YimaError]) -> None:
    with pytest.raises(kind):
        raise kind


@pytest.mark.parametrize("kind", [NotFound, Conflict, Unavailable, Misconfigured])
def test_docstring_is_the_default_message(kind: type[YimaError]) -> None:
    assert str(kind()) == kind.__doc__
    assert str(kind("something particular")) == "something particular"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TooLarge(), 413),
        (BadRequest("not_json"), 400),
        (Refused("bad_signature"), 403),
        (NotFound(), 404),
        (Conflict(), 409),
        (Unavailable(), 503),
        (Misconfigured(), 500),
        (RuleBookError(), 500),
        (YimaError(), 500),
    ],
)
def test_every_error_has_a_status_at_the_door(error: YimaError, status: int) -> None:
    assert status_of(error) == status


def test_error_from_elsewhere_has_the_status_of_its_nearest_ancestor() -> None:
    class Forbidden(Refused):
        """Not for you."""

    assert status_of(Forbidden()) == 403
    assert status_of(RoutesError()) == 500


def test_status_table_ends_at_the_root() -> None:
    assert STATUS[YimaError] == 500
    assert all(issubclass(kind, YimaError) for kind in STATUS)


def test_refusal_carries_its_reason_as_an_attribute() -> None:
    error = Refused("stale")
    assert error.reason == "stale"
    assert str(error) == "refused: stale"
    assert TooLarge().reason == "body_too_large"


@pytest.mark.parametrize("kind", [PolicyError, RetentionError, RuleBookError, SchemeError, TextsError])
def test_wrong_data_names_all_its_problems(kind: type[DataError]) -> None:
    error = kind(["a.yaml:1: one", "b.yaml:7: two"])
    assert error.problems == ("a.yaml:1: one", "b.yaml:7: two")
    assert str(error) == "a.yaml:1: one\nb.yaml:7: two"
