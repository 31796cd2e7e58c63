"""What a message wants, in Chinese and English."""

from __future__ import annotations

from datetime import date

import pytest

from bot.conversation.understanding import Intent, Places, understand
from bot.conversation.understanding.intents import read_intent

TODAY = date(2020, 2, 20)
WANTED = [
    ("申报", "declare"),
    ("我要申领健康码", "declare"),
    ("登记", "declare"),
    ("填表", "declare"),
    ("打卡", "punch_in"),
    ("健康打卡", "punch_in"),
    ("36.5", "punch_in"),
    ("体温36度8 没有症状", "punch_in"),
    ("37.9 咳嗽", "punch_in"),
    ("三十六度五，一切正常", "punch_in"),
    ("没变化", "punch_in"),
    ("和昨天一样", "punch_in"),
    ("同昨天", "punch_in"),
    ("no change", "punch_in"),
    ("same as yesterday", "punch_in"),
    ("一切正常", "punch_in"),
    ("我的码", "codes"),
    ("健康码", "codes"),
    ("查码", "codes"),
    ("我的颜色", "codes"),
    ("我的健康码是什么颜色", "codes"),
    ("为什么", "why"),
    ("为啥红", "why"),
    ("怎么变黄了", "why"),
    ("why", "why"),
    ("why is my code red", "why"),
    ("为什么要问这个", "why"),
    ("我为什么是红码", "why"),
    ("用哪个码", "which_code"),
    ("哪个码", "which_code"),
    ("去广州上班用哪个码", "which_code"),
    ("进小区需要什么码", "which_code"),
    ("which code do i need", "which_code"),
    ("亮码", "pass"),
    ("出示", "pass"),
    ("二维码", "pass"),
    ("出示健康码", "pass"),
    ("申诉", "appeal"),
    ("复核", "appeal"),
    ("颜色错了", "appeal"),
    ("我没去过武汉怎么是红码", "appeal"),
    ("申诉进度", "appeal_status"),
    ("进度", "appeal_status"),
    ("我的申诉怎么样了", "appeal_status"),
    ("家人", "household"),
    ("家庭", "household"),
    ("绑定", "household"),
    ("谁绑定了我", "household"),
    ("添加家人", "household"),
    ("提醒", "reminders"),
    ("每天8点提醒我", "reminders"),
    ("不要提醒", "reminders"),
    ("隐私", "privacy"),
    ("我的数据", "privacy"),
    ("谁看过", "privacy"),
    ("谁看过我的信息", "privacy"),
    ("删除我的数据", "privacy"),
    ("语言", "language"),
    ("English", "language"),
    ("中文", "language"),
    ("切换英文", "language"),
    ("帮助", "help"),
    ("?", "help"),
    ("？", "help"),
    ("怎么用", "help"),
    ("菜单", "help"),
    ("help", "help"),
    ("返回", "back"),
    ("上一步", "back"),
    ("back", "back"),
    ("取消", "cancel"),
    ("退出", "cancel"),
    ("算了", "cancel"),
    ("cancel", "cancel"),
    ("是", "yes"),
    ("好的", "yes"),
    ("yes", "yes"),
    ("确认", "yes"),
    ("没有", "no"),
    ("不是", "no"),
    ("no", "no"),
    ("不", "no"),
    ("你好", "unknown"),
    ("今天天气不错", "unknown"),
    ("武汉", "unknown"),
    ("", "unknown"),
    ("家人都没有症状 36.5", "punch_in"),
    ("发烧会变红码吗", "why"),
    ("帮妈妈打卡", "punch_in"),
    ("妈妈 37.8 咳嗽", "punch_in"),
    ("打 卡", "punch_in"),
    ("我要打卡", "punch_in"),
    ("请问我的码", "codes"),
    ("谢谢", "unknown"),
    ("不咳嗽", "punch_in"),
    ("健康码错了", "appeal"),
    ("我的健康码", "codes"),
    ("红码怎么办", "codes"),
    ("为什么我变红了", "why"),
    ("取消提醒", "reminders"),
    ("取消申诉", "appeal"),
    ("没有症状", "punch_in"),
    ("no symptoms", "punch_in"),
    ("no", "no"),
    ("我的码变红了", "why"),
    ("不填了", "cancel"),
]


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.load()


@pytest.mark.parametrize(("text", "intent"), WANTED)
def test_a_message_has_the_intent_that_its_writer_means(places: Places, text: str, intent: str) -> None:
    assert understand(text, today=TODAY, places=places).intent == intent


def test_every_intent_stands_in_the_table_of_examples() -> None:
    assert {intent for _, intent in WANTED} == {intent.value for intent in Intent}


def test_a_report_does_not_hide_a_question() -> None:
    assert read_intent("为什么发烧就是红码", reports=True) is Intent.WHY
    assert read_intent("家人发烧", reports=True) is Intent.PUNCH_IN
    assert read_intent("家人", reports=True) is Intent.HOUSEHOLD
