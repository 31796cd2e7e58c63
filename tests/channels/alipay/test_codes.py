"""Every code that the platform documents has a meaning, and a name that gives nothing away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.alipay.codes import BY_CODE, BY_SUB_CODE, Rests, classify, reason
from bot.channels.outbound import Effect, Trouble

MISSING = ["method", "signature", "signature-type", "signature-key", "app-id", "timestamp", "version"]
INVALID = [
    "format",
    "signature",
    "signature-type",
    "encrypt-type",
    "encrypt",
    "app-id",
    "timestamp",
    "charset",
    "digest",
]
TOKENS = [
    "aop.invalid-auth-token",
    "aop.auth-token-time-out",
    "aop.invalid-app-auth-token",
    "aop.invalid-app-auth-token-no-api",
    "aop.app-auth-token-time-out",
    "aop.no-product-reg-by-partner",
]


def expected() -> list[tuple[str, str, Trouble, Effect, Rests]]:
    permission, content = Trouble.PERMISSION, Trouble.CONTENT
    recipient, nothing = Trouble.RECIPIENT, Effect.NONE
    return [
        ("20000", "isp.unknow-error", Trouble.UNKNOWN, nothing, Rests.NOTHING),
        ("20000", "aop.unknow-error", Trouble.UNKNOWN, nothing, Rests.NOTHING),
        ("20000", "", Trouble.UNKNOWN, nothing, Rests.NOTHING),
        *(("20001", name, permission, nothing, Rests.APP) for name in TOKENS),
        *(("40001", f"isv.missing-{name}", permission, nothing, Rests.APP) for name in MISSING),
        ("40001", "isv.decryption-error-missing-encrypt-type", permission, nothing, Rests.APP),
        *(("40002", f"isv.invalid-{name}", permission, nothing, Rests.APP) for name in INVALID),
        ("40002", "isv.decryption-error-unknown", permission, nothing, Rests.APP),
        ("40002", "isv.invalid-method", permission, nothing, Rests.WAY),
        ("40002", "isv.forbidden-api", permission, nothing, Rests.WAY),
        ("40002", "isv.not-support-app-auth", permission, nothing, Rests.WAY),
        ("40002", "isv.invalid-parameter", content, nothing, Rests.NOTHING),
        ("40002", "isv.suspected-attack", content, nothing, Rests.NOTHING),
        ("40002", "isv.upload-fail", content, nothing, Rests.NOTHING),
        ("40002", "isv.invalid-file-extension", content, nothing, Rests.NOTHING),
        ("40002", "isv.invalid-file-size", content, nothing, Rests.NOTHING),
        ("40002", "isv.code-invalid", recipient, nothing, Rests.NOTHING),
        ("40003", "isv.invalid-auth-relations", permission, nothing, Rests.APP),
        ("40003", "isv.missing-signature-config", permission, nothing, Rests.APP),
        ("40004", "MSG_SD_OVER_TIME", recipient, Effect.WINDOW_CLOSED, Rests.NOTHING),
        ("40004", "PUB.MSG_SD_OVER_TIME", recipient, Effect.WINDOW_CLOSED, Rests.NOTHING),
        ("40004", "PUB.MSG_SD_NOFOLLOW", recipient, Effect.UNFOLLOWED, Rests.NOTHING),
        ("40004", "FORM_ID_NOT_MATCH_APPID", recipient, Effect.FORM_USED_UP, Rests.NOTHING),
        ("40004", "FORM_ID_OVER_TIME", recipient, Effect.FORM_USED_UP, Rests.NOTHING),
        ("40004", "FORM_ID_OF_ANOTHER_KIND", recipient, Effect.FORM_USED_UP, Rests.NOTHING),
        ("40004", "TRADE_NO_NOT_MATCH_USERID", recipient, Effect.FORM_USED_UP, Rests.NOTHING),
        ("40004", "USER_TEMPLATE_ILLEGAL", permission, nothing, Rests.TEMPLATE),
        ("40004", "USER_KEYWORD_LENGTH_ERROR", content, nothing, Rests.NOTHING),
        ("40004", "SYSTEM_ERROR", Trouble.UNKNOWN, nothing, Rests.NOTHING),
        ("40004", "NEVER_HEARD_OF", content, nothing, Rests.NOTHING),
        ("40005", "isv.app-call-limited", Trouble.QUOTA, nothing, Rests.APP),
        ("40005", "isv.method-call-limited", Trouble.QUOTA, nothing, Rests.WAY),
        ("40005", "", Trouble.QUOTA, nothing, Rests.APP),
        ("40006", "isv.insufficient-isv-permissions", permission, nothing, Rests.WAY),
        ("40006", "isv.insufficient-user-permissions", recipient, nothing, Rests.NOTHING),
        ("40006", "isv.self-invoke-forbidden", permission, nothing, Rests.WAY),
        ("40006", "isv.ip-forbidden", permission, nothing, Rests.APP),
        ("77777", "", Trouble.UNKNOWN, nothing, Rests.NOTHING),
        ("", "", Trouble.UNKNOWN, nothing, Rests.NOTHING),
    ]


@pytest.mark.parametrize(("code", "sub_code", "trouble", "effect", "rests"), expected())
def test_documented_code_has_its_meaning(
    code: str, sub_code: str, trouble: Trouble, effect: Effect, rests: Rests
) -> None:
    for name in (sub_code, sub_code.removeprefix("isv.")):
        meaning = classify(code, name)
        assert (meaning.trouble, meaning.effect, meaning.rests) == (trouble, effect, rests)


def test_every_code_of_both_tables_is_expected_above() -> None:
    names = {sub_code.removeprefix("isv.").removeprefix("PUB.") for _, sub_code, *_ in expected()}
    assert names >= BY_SUB_CODE.keys()
    assert {code for code, *_ in expected()} >= BY_CODE.keys()


def test_whatever_rests_says_for_how_long_and_whose_fault_it_is() -> None:
    for meaning in (*BY_CODE.values(), *BY_SUB_CODE.values()):
        if meaning.rests is Rests.NOTHING:
            assert meaning.seconds is None
            assert meaning.trouble not in (Trouble.PERMISSION, Trouble.QUOTA, Trouble.TOKEN)
        else:
            assert meaning.trouble in (Trouble.PERMISSION, Trouble.QUOTA)
            assert meaning.seconds is not None or meaning.rests is Rests.APP


@pytest.mark.parametrize(
    ("code", "sub_code", "named"),
    [
        ("40004", "PUB.MSG_SD_NOFOLLOW", "alipay_PUB.MSG_SD_NOFOLLOW"),
        ("40005", "isv.app-call-limited", "alipay_app-call-limited"),
        (
            "40001",
            "isv.decryption-error-missing-encrypt-type",
            "alipay_decryption-error-missing-encrypt-type",
        ),
        ("20000", "", "alipay_20000"),
        ("40004", "用户 2088 不存在", "alipay_40004"),
        ("40004", "X" * 42, "alipay_40004"),
        ("secret", "", "alipay_unnamed"),
    ],
)
def test_reason_is_the_sub_code_or_the_code(code: str, sub_code: str, named: str) -> None:
    assert reason(code, sub_code) == named


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_code_has_a_meaning_and_a_short_plain_reason(code: str, sub_code: str) -> None:
    assert isinstance(classify(code, sub_code).trouble, Trouble)
    assert len(reason(code, sub_code)) <= 48
    assert reason(code, sub_code).isascii()
