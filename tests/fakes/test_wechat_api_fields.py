"""The platform's rules for what a template's field may say."""

from __future__ import annotations

import pytest

from tests.fakes.wechat_api_fields import RULES, check_fields
from tests.fakes.wechat_api_world import Refusal, Template

FITS = [
    ("thing1", "一" * 20),
    ("number2", "1" * 32),
    ("number2", "36.8"),
    ("letter3", "Ab"),
    ("symbol4", "¥!"),
    ("character_string5", "YM-2020/7"),
    ("time6", "09:30"),
    ("time6", "2020年2月20日 09:30"),
    ("time6", "2020-02-20 09:30~2020-02-21 09:30"),
    ("date7", "2020年2月20日"),
    ("amount8", "¥1234567890.12"),
    ("amount8", "12元"),
    ("phone_number9", "+86-571-12345678"),
    ("car_number10", "浙A12345"),
    ("name11", "欧阳一二"),
    ("name11", "Ann Lee"),
    ("phrase12", "五个字以内"),
]
DOES_NOT_FIT = [
    ("thing1", "一" * 21),
    ("number2", "1" * 33),
    ("number2", "一"),
    ("letter3", "a" * 33),
    ("letter3", "a1"),
    ("symbol4", "!" * 6),
    ("symbol4", "码"),
    ("character_string5", "x" * 33),
    ("character_string5", "码"),
    ("time6", "25:00"),
    ("time6", "明天上午"),
    ("date7", "09:30"),
    ("amount8", "12345678901"),
    ("phone_number9", "1" * 18),
    ("car_number10", "浙A1234567"),
    ("name11", "一" * 11),
    ("name11", "a" * 21),
    ("phrase12", "六个汉字太长"),
    ("phrase12", "ok"),
    ("unheard1", "1"),
]


@pytest.mark.parametrize(("name", "value"), FITS)
def test_value_within_its_rule_is_taken(name: str, value: str) -> None:
    check_fields(Template("T", (name,)), {name: {"value": value}})


@pytest.mark.parametrize(("name", "value"), DOES_NOT_FIT)
def test_value_outside_its_rule_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_fields(Template("T", (name,)), {name: {"value": value}})
    assert refused.value.errcode == 47003
    assert f"data.{name}.value" in refused.value.errmsg


@pytest.mark.parametrize(
    "data", [{}, {"thing1": "bare"}, {"thing1": {"value": 1}}, {"thing1": {"value": " "}}]
)
def test_missing_value_is_called_empty(data: object) -> None:
    with pytest.raises(Refusal, match="47003") as refused:
        check_fields(Template("T", ("thing1",)), data)
    assert refused.value.errmsg == "argument invalid! data.thing1.value is emtpy"


def test_every_rule_is_tried_in_both_directions() -> None:
    for cases in (FITS, DOES_NOT_FIT):
        assert set(RULES) <= {name.rstrip("0123456789") for name, _ in cases}
