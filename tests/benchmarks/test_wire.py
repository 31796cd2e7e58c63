"""The yardstick's own cryptography, against the platform's published worked examples."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from benchmarks.wire import Account, Push, WireError, safe_mode_request

OFFICIAL = Account("wx134c8103faa5a59e", "gh_97417a04a28d", "AAAAA", "A" * 43)
SEALED_IN = (
    "D7yzvUNAL930rd28wf21s4hvXhz0L6Uit/p2Di6C5DHyYGpEgdBRnKjBec34JwoQXicwaZC7fOVihW80F4VtsdvE//1vr7oAbqjDv8Ken"
    "Vp+ajKYpJnyQ4zMRhIC+a31fCVOMC03FfzV/QuC94kBP55a+Za3sJgvAn+ZbsNqZI5DkyuzkhQN8OBqCzFhizGmy0xpM0MEA4agpvE+Ru"
    "NO1rhHTtuJB5yltw1FiYzecSXJ+y/D2r81VkRn2eYjh2ltsoyfbDR7Is6ookXIFxTfyeNyeHxMeT4KN5WpCDmSbTcUYrbBUlkGLJ9n/rU8"
    "YOywma6G7aTb7KZKOqCxgfoUlYEZPk4FUL/TK7ShriFDMVCLyjQJ15Ob++agDWtcxhfUfe6HIoIpRW8mKNBQiY/Jd1svvuskA1wLef1RTt"
    "zKfMpagSCX/laZINmdnX4zrF6kIaR9P4xQrWXbsTFHTYe0Mg=="
)
SEALED_OUT = (
    "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdIZcr6+3HAZbSvPT9t/o11MI7d6W"
    "ELwqrGd7jMnV0zv3Zc9Nq7"
)
ANSWER = "<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>"


def envelope(account: Account, sealed: str, signature: str) -> bytes:
    return (
        f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        "<TimeStamp>1713424427</TimeStamp><Nonce><![CDATA[415670741]]></Nonce></xml>"
    ).encode()


def test_published_incoming_message_is_signed_and_opened_alike() -> None:
    signature = OFFICIAL.sign("1715943329", "1590219412", SEALED_IN)
    assert signature == "6c12a4205838198b8fa631b3220723bb07f1015c"
    assert len(OFFICIAL.decrypt(SEALED_IN)) == 292


def test_published_answer_is_sealed_byte_for_byte() -> None:
    assert OFFICIAL.encrypt(ANSWER.encode(), salt=b"999951349e8ee746") == SEALED_OUT
    assert OFFICIAL.sign("1713424427", "415670741", SEALED_OUT) == "03e0812039325c2712ef5f0f980fd14c70d6e307"


def test_published_answer_is_opened_from_its_envelope() -> None:
    body = envelope(OFFICIAL, SEALED_OUT, "03e0812039325c2712ef5f0f980fd14c70d6e307")
    assert OFFICIAL.open_answer(body) == ANSWER


def test_answer_with_a_wrong_signature_is_refused() -> None:
    with pytest.raises(WireError, match="signature is wrong"):
        OFFICIAL.open_answer(envelope(OFFICIAL, SEALED_OUT, "0" * 40))


def test_answer_that_is_not_sealed_is_refused() -> None:
    with pytest.raises(WireError, match="no sealed envelope"):
        OFFICIAL.open_answer(b"success")


def test_message_of_another_account_is_refused() -> None:
    other = Account("wx0000000000000000", "gh_0", OFFICIAL.token, OFFICIAL.aes_key)
    with pytest.raises(WireError, match="another account"):
        OFFICIAL.decrypt(other.encrypt(b"<xml/>"))


@pytest.mark.parametrize("sealed", ["", "not base64", "QUJD", "QUFBQUFBQUFBQUFBQUFBQQ=="])
def test_damaged_ciphertext_is_refused_as_one_error(sealed: str) -> None:
    with pytest.raises(WireError):
        OFFICIAL.decrypt(sealed)


def test_request_carries_both_signatures_and_the_sealed_message() -> None:
    push = Push("o_bench_00001", "体温36度8", "23000000000000001", 1_715_943_329)
    head, _, body = safe_mode_request(OFFICIAL, push, "/hook").partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    query = {name: values[0] for name, values in parse_qs(urlsplit(lines[0].split()[1]).query).items()}
    sealed = body.decode().partition("<Encrypt><![CDATA[")[2].partition("]]>")[0]
    assert query["msg_signature"] == OFFICIAL.sign("1715943329", query["nonce"], sealed)
    assert query["signature"] == OFFICIAL.sign("1715943329", query["nonce"])
    assert f"Content-Length: {len(body)}" in lines
    assert OFFICIAL.decrypt(sealed) == push.xml(OFFICIAL)


def test_each_request_has_a_nonce_of_its_own() -> None:
    push = Push("o_bench_00001", "36.5", "1", 1_715_943_329)
    firsts = {safe_mode_request(OFFICIAL, push, "/").split(b"\r\n")[0] for _ in range(20)}
    assert len(firsts) == 20
