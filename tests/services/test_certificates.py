"""Certificate and phone numbers: what passes, and with which reason another does not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadRequest
from bot.services.certificates import (
    Certificate,
    CertificateKind,
    Sex,
    check_certificate,
    check_phone,
    is_minor,
)

TODAY = date(2020, 2, 20)


class OneDivision:
    """Knows one code only."""

    def known(self, code: str) -> bool:
        return code == "110105"


def id_number(first17: str) -> str:
    """Adds the check character by its definition: the weighted sum of all 18 is 1 modulo 11."""
    total = sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(first17))
    return first17 + "0123456789X"[(1 - total) % 11]


def reason_of(kind: str, number: str, *, divisions: OneDivision | None = None) -> str:
    with pytest.raises(BadRequest) as refused:
        check_certificate(kind, number, today=TODAY, divisions=divisions)
    return refused.value.reason


def test_the_sample_number_of_the_standard_passes() -> None:
    assert check_certificate("id_card", "11010519491231002X", today=TODAY) == Certificate(
        CertificateKind.ID_CARD, "11010519491231002X", date(1949, 12, 31), Sex.FEMALE, "110105"
    )
    assert check_certificate("id_card", "440524188001010014", today=date(1990, 1, 1)).sex is Sex.MALE


@pytest.mark.parametrize(
    "typed", ["11010519491231002x", "１１０１０５１９４９１２３１００２Ｘ", " 110105 19491231 002X "]
)
def test_an_id_number_is_brought_into_its_form(typed: str) -> None:
    assert check_certificate("id_card", typed, today=TODAY).number == "11010519491231002X"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("", "certificate_format"),
        ("11010519491231002", "certificate_format"),
        ("11010519491231002XX", "certificate_format"),
        ("X1010519491231002X", "certificate_format"),
        ("110105491231002", "certificate_format"),
        ("110105194912310021", "certificate_check_character"),
        ("110105194912310203", "certificate_check_character"),
        (id_number("11010519490230002"), "certificate_birth_date"),
        (id_number("11010518491231002"), "certificate_birth_date"),
        (id_number("11010520200221002"), "certificate_birth_in_future"),
    ],
)
def test_an_impossible_id_number_is_refused_with_its_reason(number: str, reason: str) -> None:
    assert reason_of("id_card", number) == reason


def test_somebody_born_today_has_a_certificate() -> None:
    assert check_certificate("id_card", id_number("11010520200220002"), today=TODAY).birth == TODAY


def test_an_unknown_division_is_refused_where_divisions_are_known() -> None:
    number = id_number("99010519491231002")

    assert reason_of("id_card", number, divisions=OneDivision()) == "certificate_division"
    assert check_certificate("id_card", number, today=TODAY).division == "990105"


@pytest.mark.parametrize("division", ["810000", "820000", "830000"])
def test_residence_permits_of_hong_kong_macau_and_taiwan_pass(division: str) -> None:
    number = id_number(f"{division}19800101001")

    assert check_certificate("id_card", number, today=TODAY, divisions=OneDivision()).division == division


@pytest.mark.parametrize(
    ("kind", "number", "normal"),
    [
        ("passport", "e12345678", "E12345678"),
        ("passport", "EA1234567", "EA1234567"),
        ("passport", "C 0123 4567", "C01234567"),
        ("hk_macau_permit", "h12345678", "H12345678"),
        ("hk_macau_permit", "M1234567801", "M1234567801"),
        ("taiwan_permit", "12345678", "12345678"),
        ("taiwan_permit", "1234567801", "1234567801"),
    ],
)
def test_other_documents_pass_in_their_form(kind: str, number: str, normal: str) -> None:
    certificate = check_certificate(kind, number, today=TODAY)

    assert certificate.number == normal
    assert certificate.birth is None


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("passport", "ABCDEFGH"),
        ("passport", "E1234"),
        ("passport", "E123456789"),
        ("hk_macau_permit", "12345678"),
        ("hk_macau_permit", "H1234567"),
        ("taiwan_permit", "T2345678"),
        ("taiwan_permit", "123456789"),
    ],
)
def test_other_documents_in_a_wrong_form_are_refused(kind: str, number: str) -> None:
    assert reason_of(kind, number) == "certificate_format"


def test_an_unknown_kind_of_certificate_is_refused() -> None:
    assert reason_of("library_card", "12345678") == "certificate_kind"


def test_a_certificate_does_not_show_its_number() -> None:
    assert "1949" not in repr(check_certificate("id_card", "11010519491231002X", today=TODAY))


@given(st.integers(0, 16), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(at: int, by: int) -> None:
    number = "11010519491231002X"
    wrong = f"{number[:at]}{(int(number[at]) + by) % 10}{number[at + 1 :]}"

    assert reason_of("id_card", wrong) == "certificate_check_character"


@given(st.text(), st.sampled_from(list(CertificateKind)))
def test_any_text_is_a_certificate_or_is_refused(text: str, kind: CertificateKind) -> None:
    reason = ""
    try:
        check_certificate(kind, text, today=TODAY)
    except BadRequest as refused:
        reason = refused.reason

    assert reason in ("", "certificate_format", "certificate_check_character", "certificate_birth_date")


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("13800138000", "13800138000"),
        ("138 0013 8000", "13800138000"),
        ("138-0013-8000", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("+86 138 0013 8000", "13800138000"),
        ("0086 13800138000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("+852 6123 4567", "+85261234567"),
        ("+1 (415) 555-0100", "+14155550100"),
    ],
)
def test_a_phone_number_is_brought_into_one_form(typed: str, normal: str) -> None:
    assert check_phone(typed) == normal


@pytest.mark.parametrize(
    "typed", ["", "12345", "12800138000", "138001380000", "+8612345", "+123", "abc", "02787654321"]
)
def test_a_number_that_is_no_mobile_number_is_refused(typed: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_phone(typed)

    assert refused.value.reason == "phone_format"


@pytest.mark.parametrize(
    ("birth", "today", "minor"),
    [
        (date(2002, 2, 21), date(2020, 2, 20), True),
        (date(2002, 2, 20), date(2020, 2, 20), False),
        (date(2002, 2, 19), date(2020, 2, 20), False),
        (date(2004, 2, 29), date(2022, 2, 28), True),
        (date(2004, 2, 29), date(2022, 3, 1), False),
        (date(2020, 2, 20), date(2020, 2, 20), True),
    ],
)
def test_majority_begins_on_the_eighteenth_birthday(birth: date, today: date, minor: bool) -> None:
    assert is_minor(birth, today) is minor


@given(st.dates(date(1950, 1, 1), date(2020, 1, 1)), st.integers(0, 40_000))
def test_nobody_becomes_a_minor_again(birth: date, days: int) -> None:
    later = birth + timedelta(days=days)

    assert is_minor(birth, later) or not is_minor(birth, later + timedelta(days=1))
