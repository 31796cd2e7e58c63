"""Every code that the platform documents for what is used here has its meaning; others have a safe one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.http import CallFailed
from bot.channels.outbound import Effect, Trouble
from bot.channels.wechat.api_errors import MEANINGS, STOPS_LOGINS, Halt, refusal_of

# the platform's documents, interface by interface, and the class that each code has to have
DOCUMENTED = {
    Trouble.RETRY: (-1, 45011, 43108, 45066),
    Trouble.TOKEN: (40001, 40014, 42001),
    Trouble.QUOTA: (45009,),
    Trouble.PERMISSION: (
        *(40002, 40013, 40125, 40164, 40243, 41001, 89503, 48006, 48001, 40101),
        *(40037, 41030, 43107, 40036, 43302),
    ),
    Trouble.RECIPIENT: (
        *(40003, 43004, 43019, 45015, 45047, 43101),
        *(40029, 40163, 40226, 43104, 61010),
    ),
    Trouble.CONTENT: (
        *(45002, 44004, 45080, 45081, 45168, 47003, 45065, 45067),
        *(40129, 44002, 47001, 40007, 45008),
    ),
}
EFFECTS = {
    40003: Effect.UNKNOWN_ACCOUNT,
    43004: Effect.UNFOLLOWED,
    43019: Effect.BLOCKED,
    43101: Effect.SUBSCRIPTION_USED_UP,
    45015: Effect.WINDOW_CLOSED,
    45047: Effect.WINDOW_USED_UP,
}


@pytest.mark.parametrize(
    ("code", "trouble"), [(code, trouble) for trouble, codes in DOCUMENTED.items() for code in codes]
)
def test_documented_code_has_its_class(code: int, trouble: Trouble) -> None:
    assert code in MEANINGS
    refusal = refusal_of({"errcode": code, "errmsg": "x"})
    assert refusal is not None
    assert (refusal.trouble, refusal.reason) == (trouble, f"wechat_{code}")


@pytest.mark.parametrize(("code", "effect"), EFFECTS.items())
def test_refusal_says_what_it_says_about_the_recipient(code: int, effect: Effect) -> None:
    refusal = refusal_of({"errcode": code})
    assert refusal is not None
    assert refusal.effect == effect


def test_only_three_codes_renew_the_token() -> None:
    assert {code for code, meaning in MEANINGS.items() if meaning.renew} == {40001, 40014, 42001}


def test_only_recipients_have_effects() -> None:
    for meaning in MEANINGS.values():
        assert meaning.effect == Effect.NONE or meaning.trouble == Trouble.RECIPIENT


def test_what_concerns_the_app_makes_something_rest() -> None:
    app = {Trouble.TOKEN, Trouble.QUOTA, Trouble.PERMISSION}
    for code, meaning in MEANINGS.items():
        assert (meaning.halt != Halt.NOTHING) == (meaning.trouble in app or code == 45011), code


def test_token_troubles_do_not_stop_logins() -> None:
    assert "wechat_40125" in STOPS_LOGINS
    assert "wechat_40001" not in STOPS_LOGINS
    assert "wechat_45009" not in STOPS_LOGINS


@given(st.integers(min_value=-(10**8), max_value=10**8).filter(lambda code: code not in {0, *MEANINGS}))
def test_unknown_code_is_neither_retried_nor_blamed_on_app_or_person(code: int) -> None:
    refusal = refusal_of({"errcode": code, "errmsg": "new"})
    assert refusal is not None
    assert (refusal.trouble, refusal.effect) == (Trouble.CONTENT, Effect.NONE)
    assert (refusal.meaning.halt, refusal.meaning.renew) == (Halt.NOTHING, False)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("argument invalid! data.thing3.value is emtpy", "thing3"),
        ("argument invalid! data.character_string1.value invalid rid: 5f-1", "character_string1"),
        ("argument invalid! data.first.value too long", "first"),
        ("argument invalid!", ""),
    ],
)
def test_refused_field_is_named(text: str, name: str) -> None:
    refusal = refusal_of({"errcode": 47003, "errmsg": text})
    assert refusal is not None
    assert refusal.field_name == name


@pytest.mark.parametrize("answer", [{}, {"errcode": 0}, {"errcode": "0"}, {"errcode": 0, "errmsg": "ok"}])
def test_answer_without_a_code_refuses_nothing(answer: dict[str, object]) -> None:
    assert refusal_of(answer) is None


def test_code_as_a_text_is_the_same_code() -> None:
    refusal = refusal_of({"errcode": "43101"})
    assert refusal is not None
    assert refusal.code == 43101


@pytest.mark.parametrize("code", [None, True, 1.5, "", "oops", [], {}])
def test_code_that_is_no_number_is_no_answer_of_the_platform(code: object) -> None:
    with pytest.raises(CallFailed) as caught:
        refusal_of({"errcode": code})
    assert (caught.value.reason, caught.value.written) == ("bad_answer", True)


def test_message_of_the_platform_is_not_passed_on() -> None:
    refusal = refusal_of({"errcode": 40003, "errmsg": "invalid openid o-somebody hint: [x]"})
    assert "o-somebody" not in repr(refusal) + str(refusal)
