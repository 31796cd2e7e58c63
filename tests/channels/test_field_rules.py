"""What a platform would refuse in a field of a template is refused before it is sent."""

from __future__ import annotations

import pytest

from bot.channels.field_rules import problem_of

GOOD = [
    ("thing1", "杭州健康码"),
    ("thing20", "一" * 20),
    ("number2", "36.5"),
    ("letter1", "abc"),
    ("symbol1", "→!"),
    ("character_string3", "P200220-7K3Q9XAB-47"),
    ("time2", "2020-02-20 09:00"),
    ("time2", "09:00~10:30"),
    ("date1", "2020年2月20日"),
    ("date1", "2020-02-20 09:00~2020-02-21 10:00"),
    ("amount1", "¥12.50"),
    ("amount1", "12元"),
    ("phone_number1", "0571-12345"),
    ("car_number1", "浙A12345"),
    ("name1", "李小梅"),
    ("name1", "Li Xiaomei"),
    ("phrase1", "待确认"),
    ("keyword1", "一" * 200),
]
BAD = [
    ("thing1", "一" * 21),
    ("thing1", "🟢" * 11),
    ("thing1", " "),
    ("thing1", "两\n行"),
    ("number2", "三"),
    ("letter1", "码"),
    ("symbol1", "a"),
    ("symbol1", "!" * 6),
    ("character_string3", "码"),
    ("character_string3", "a" * 33),
    ("time2", "tomorrow"),
    ("date1", "09:00"),
    ("amount1", "12345678901"),
    ("amount1", "1.234"),
    ("phone_number1", "1" * 18),
    ("car_number1", "浙A1234567"),
    ("name1", "一" * 11),
    ("name1", "Li小梅"),
    ("phrase1", "一二三四五六"),
    ("phrase1", "ok"),
    ("keyword1", "一" * 201),
    ("colour1", "red"),
    ("Thing1", "x"),
]


@pytest.mark.parametrize(("field", "value"), GOOD)
def test_value_within_the_rules_has_no_problem(field: str, value: str) -> None:
    assert problem_of("wechat_mini", field, value) is None


@pytest.mark.parametrize(("field", "value"), BAD)
def test_value_that_breaks_a_rule_is_named(field: str, value: str) -> None:
    assert problem_of("wechat_mini", field, value)


def test_alipay_bounds_only_the_length_of_a_field() -> None:
    assert problem_of("alipay", "keyword1", "一" * 50) is None
    assert problem_of("alipay", "keyword1", "一" * 51) == "is longer than 50 characters"
    assert problem_of("alipay", "keyword1", "") == "is empty"
