"""What the platform reports about notices: agreements and deliveries, and which reports are the same one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from bot.channels.wechat.messages import Received, read_message
from bot.message import Consent, Delivery, Incoming, Kind

RECEIVED_AT = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
HEADS = {"ToUserName": "gh_1", "FromUserName": "o_resident", "CreateTime": "1582160400", "MsgType": "event"}
POPUP, CHANGE, SENT = "subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event"
JOB = "TEMPLATESENDJOBFINISH"


def read(event: str, *items: Mapping[str, str], **fields: str) -> Received:
    return read_message(
        HEADS | {"Event": event} | fields, received_at=RECEIVED_AT, channel="wechat_mini", lists=lambda: items
    )


def reported(event: str, *items: Mapping[str, str], **fields: str) -> Incoming:
    incoming = read(event, *items, **fields).incoming
    assert incoming is not None
    return incoming


def answer(template: str, status: str) -> dict[str, str]:
    return {"TemplateId": template, "SubscribeStatusString": status, "PopupScene": "2"}


def sent(number: str, code: str = "0", template: str = "T1") -> dict[str, str]:
    return {"TemplateId": template, "MsgID": number, "ErrorCode": code, "ErrorStatus": "whatever"}


@pytest.mark.parametrize(
    ("status", "given"),
    [
        ("accept", True),
        ("acceptWithAudio", True),
        ("acceptWithAlert", True),
        ("reject", False),
        ("ban", False),
        ("filter", False),
    ],
)
@pytest.mark.parametrize("event", [POPUP, CHANGE])
def test_every_answer_is_given_or_not(event: str, status: str, given: bool) -> None:
    one = reported(event, answer("T1", status))
    assert (one.kind, one.consents) == (Kind.SUBSCRIPTION, (Consent("T1", given=given),))
    assert (one.channel, one.account, one.text) == ("wechat_mini", "o_resident", "")


def test_answers_to_several_templates_come_together() -> None:
    one = reported(POPUP, answer("T1", "accept"), answer("T2", "reject"))
    assert one.consents == (Consent("T1", given=True), Consent("T2", given=False))


@pytest.mark.parametrize(
    "odd", [{}, {"TemplateId": "T2"}, answer("", "accept"), answer("T" * 65, "accept"), answer("T2", "maybe")]
)
def test_answer_that_is_not_understood_is_left_out(odd: dict[str, str]) -> None:
    assert reported(POPUP, answer("T1", "accept"), odd).consents == (Consent("T1", given=True),)
    assert read(POPUP, odd) == Received(None, f"event_{POPUP}", "o_resident", "gh_1")


def test_delivered_message_has_arrived_without_a_reason() -> None:
    one = reported(SENT, sent("17"))
    assert (one.kind, one.deliveries) == (Kind.DELIVERY, (Delivery("17", True, template_id="T1"),))


@pytest.mark.parametrize(
    ("code", "reason"), [("43101", "wechat_43101"), ("-1", "wechat_-1"), ("043004", "wechat_43004")]
)
def test_undelivered_message_tells_its_code(code: str, reason: str) -> None:
    assert reported(SENT, sent("17", code)).deliveries == (Delivery("17", False, reason, "T1"),)


@pytest.mark.parametrize(
    "odd", [{}, sent(""), sent("1" * 65), sent("17", ""), sent("17", "ok"), sent("17", "9" * 20)]
)
def test_delivery_that_is_not_understood_is_left_out(odd: dict[str, str]) -> None:
    assert [each.platform_id for each in reported(SENT, sent("18"), odd).deliveries] == ["18"]
    assert read(SENT, odd).incoming is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("success", ""),
        ("failed:user block", "user_block"),
        ("failed: user block", "user_block"),
        ("Failed : userblock", "user_block"),
        ("failed: system failed", "system_failed"),
        ("failed:system failed", "system_failed"),
        ("failed:something new", "other"),
    ],
)
def test_finished_template_message_says_why_it_failed(status: str, reason: str) -> None:
    assert reported(JOB, MsgID="17", Status=status).deliveries == (Delivery("17", not reason, reason),)


@pytest.mark.parametrize(
    "fields", [{}, {"MsgID": "17"}, {"Status": "success"}, {"MsgID": "17", "Status": " "}]
)
def test_finished_template_message_without_number_or_status_is_only_counted(fields: dict[str, str]) -> None:
    assert read(JOB, **fields).kind == "event_templatesendjobfinish"
    assert read(JOB, **fields).incoming is None


def test_redelivered_report_has_the_same_key() -> None:
    assert reported(POPUP, answer("T1", "accept")).key == reported(POPUP, answer("T1", "accept")).key
    assert reported(SENT, sent("17")).key == reported(SENT, sent("17")).key


OTHERS: Sequence[Incoming] = (
    reported(POPUP, answer("T1", "accept")),
    reported(POPUP, answer("T1", "reject")),
    reported(POPUP, answer("T2", "accept")),
    reported(POPUP, answer("T1", "accept"), answer("T2", "accept")),
    reported(CHANGE, answer("T1", "reject")),
    reported(POPUP, answer("T1", "accept"), CreateTime="1582160401"),
    reported(POPUP, answer("T1", "accept"), FromUserName="o_other"),
    reported(SENT, sent("17")),
    reported(SENT, sent("18")),
    reported(JOB, MsgID="17", Status="success"),
)


def test_reports_of_one_second_with_other_contents_are_told_apart() -> None:
    assert len({one.key for one in OTHERS}) == len(OTHERS)


def test_delivery_reported_again_later_is_the_same_report() -> None:
    assert reported(SENT, sent("17")).key == reported(SENT, sent("17"), CreateTime="1582160999").key


def test_key_of_a_report_hides_the_account() -> None:
    assert all(one.account not in one.key for one in OTHERS)
