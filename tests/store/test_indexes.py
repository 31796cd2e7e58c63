"""Look-up values: one number, however it is typed, is one value; different meanings never meet."""

from __future__ import annotations

import pytest

from bot.store import indexes


@pytest.mark.parametrize(
    "typed",
    ["13800138000", "+86 138 0013 8000", "0086-138-0013-8000", "１３８００１３８０００", "86 13800138000"],
)
def test_a_mobile_number_is_one_number_however_it_is_typed(typed: str) -> None:
    assert indexes.phone(typed) == indexes.Indexed("phone", "13800138000")


def test_other_phone_numbers_keep_their_digits_and_their_country() -> None:
    assert indexes.phone("+852 5123 4567").value == "+85251234567"
    assert indexes.phone("0571-8888 6666").value == "057188886666"


def test_a_certificate_is_one_number_however_it_is_typed() -> None:
    assert indexes.certificate("id_card", "11010519491231002x") == indexes.certificate(
        "id_card", " １１０１０５ 19491231 002X"
    )


def test_a_certificate_of_another_kind_is_another_value() -> None:
    assert indexes.certificate("passport", "E12345678") != indexes.certificate("id_card", "E12345678")


def test_accounts_of_two_platforms_never_meet_and_keep_their_case() -> None:
    assert indexes.account("wechat_official", "oABC") != indexes.account("alipay", "oABC")
    assert indexes.account("alipay", "oABC") != indexes.account("alipay", "oabc")


@pytest.mark.parametrize("address", ["文三路 3栋2单元501", "文三路３栋1单元", "文三路3栋"])
def test_neighbours_share_the_key_of_their_building(address: str) -> None:
    assert indexes.building("330106", address) == indexes.Indexed("building", "330106:文三路3栋")


def test_buildings_of_other_divisions_and_numbers_differ() -> None:
    one = indexes.building("330106", "文三路3栋")
    assert one != indexes.building("330105", "文三路3栋")
    assert one != indexes.building("330106", "文三路13栋")


def test_an_address_without_a_building_has_no_building_key() -> None:
    assert indexes.building("330106", "文三路") is None
    assert indexes.building(None, "文三路3栋") is None


def test_a_row_without_the_value_has_no_index() -> None:
    row = {"channel": "alipay", "external_sealed": None, "certificate_kind": "", "certificate_sealed": None}
    row |= {"phone_sealed": None, "address_sealed": None, "division": "330106"}
    for column in ("certificate_index", "phone_index", "building_index"):
        assert indexes.of_row("residents", column, row) is None
    assert indexes.of_row("accounts", "external_index", row) is None


def test_an_index_that_nobody_described_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"residents\.new_index"):
        indexes.of_row("residents", "new_index", {})
