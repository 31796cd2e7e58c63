"""The simulator's page in a real browser, in front of the real service."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.request import urlopen

import orjson
import pytest
from playwright.sync_api import Route, expect

from tests.browser.desk import Desk
from tests.browser.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SCRIPT = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'
POSTS = re.compile(r"/simulator/messages$")


def server_clock(desk: Desk) -> dict[str, Any]:
    with urlopen(f"{desk.address}/simulator/clock", timeout=10) as response:
        clock: dict[str, Any] = orjson.loads(response.read())
        return clock


def test_newcomer_follows_consents_and_begins_to_declare_by_clicking(desk: Desk) -> None:
    phone = desk.open("新来的").first
    phone.answered_by(phone.station.locator(".empty").get_by_role("button", name="关注一码").click)
    expect(phone.answers.first).to_contain_text("同意")
    phone.pick("同意")
    expect(phone.station.locator(".entry.resident .bubble").last).to_contain_text("同意")
    before = phone.answers.count()
    phone.pick("健康申报")
    expect(phone.answers.nth(before)).to_be_visible()
    assert (
        phone.station.get_by_role("button", name="同意", exact=True).count() == 0
    )  # answered: no longer offered


def test_resident_declares_and_punches_in_by_clicking(desk: Desk) -> None:
    phone = desk.open("打卡的人").first
    phone.declare("林小雨", "420102198805162043")
    expect(phone.answers.filter(has_text="码").last).to_be_visible()
    phone.press_menu("打卡")
    phone.say("36.5，没有症状")
    expect(phone.answers.filter(has_text="36.5").last).to_be_visible()
    assert phone.station.locator(".dot.green").count() > 0


def test_what_came_unasked_is_shown_on_the_phone_it_is_for(desk: Desk, service: Service) -> None:
    desk.open("收信人", "旁人")
    desk.first.say("你好")
    desk.second.say("你好")
    change = {"scheme": "hangzhou", "old": "green", "new": "yellow"}
    service.queue_notice("收信人", "colour_changed", change)
    expect(desk.first.answers.last).to_contain_text("黄码")
    expect(desk.second.answers.last).not_to_contain_text("黄码")


def test_clock_moves_forward_and_what_was_waiting_comes(desk: Desk, service: Service) -> None:
    phone = desk.open("等待的人").first
    phone.say("你好")
    waited = timedelta(seconds=server_clock(desk)["offset_seconds"], hours=20)
    service.queue_notice("等待的人", "result", {"text": "一天以后"}, after=waited)
    before = server_clock(desk)["offset_seconds"]
    shown = desk.page.get_by_test_id("clock")
    earlier = shown.text_content()
    desk.page.get_by_role("button", name="+1 天").click()
    expect(phone.answers.last).to_contain_text("一天以后")
    assert shown.text_content() != earlier
    assert server_clock(desk)["offset_seconds"] == before + 86400


def test_clock_goes_to_eight_in_the_morning(desk: Desk) -> None:
    desk.open("早起的人")
    desk.page.get_by_role("button", name="到明早 8 点").click()
    expect(desk.page.get_by_test_id("clock")).to_contain_text("08:00")
    expect(desk.first.station.locator(".phone-time")).to_have_text("08:00")


def test_two_phones_do_not_mix(desk: Desk) -> None:
    desk.open("左边的人", "右边的人")
    desk.first.say("我在左边")
    desk.second.say("我在右边")
    expect(desk.first.bubbles.first).to_contain_text("我在左边")
    expect(desk.second.bubbles.first).to_contain_text("我在右边")
    assert desk.first.bubbles.filter(has_text="我在右边").count() == 0
    assert desk.second.bubbles.filter(has_text="我在左边").count() == 0


def test_another_resident_on_the_same_phone_has_another_conversation(desk: Desk) -> None:
    phone = desk.open("先来的").first
    phone.say("我先来")
    phone.station.get_by_label("居民").select_option(label="＋ 新名字…")
    phone.station.get_by_label("名字，随便取").fill("后来的")
    phone.station.get_by_label("名字，随便取").press("Enter")
    expect(phone.station.locator(".empty")).to_be_visible()
    expect(phone.bubbles).to_have_count(0)
    phone.station.get_by_label("居民").select_option(label="先来的")
    expect(phone.bubbles.first).to_contain_text("我先来")


def test_script_in_a_message_is_text_and_nothing_else(desk: Desk, service: Service) -> None:
    phone = desk.open("写代码的人").first
    phone.say(SCRIPT)
    service.queue_notice("写代码的人", "result", {"text": SCRIPT})
    expect(phone.answers.last).to_contain_text("onerror")
    expect(phone.bubbles.first).to_contain_text(SCRIPT)
    assert phone.station.locator(".timeline img, .timeline script").count() == 0
    assert desk.page.evaluate("window.hit") is None


def test_name_with_markup_is_a_name(desk: Desk) -> None:
    phone = desk.open("<b>粗</b>").first
    phone.say("你好")
    expect(phone.station.locator(".chat-state")).to_have_text("<b>粗</b>")
    assert phone.station.locator("b").count() == 0


def test_enter_sends_and_shift_enter_begins_a_line(desk: Desk) -> None:
    phone = desk.open("打字的人").first
    phone.box.focus()
    desk.page.keyboard.type("第一行")
    desk.page.keyboard.press("Shift+Enter")
    desk.page.keyboard.type("第二行")
    expect(phone.bubbles).to_have_count(0)
    phone.answered_by(lambda: desk.page.keyboard.press("Enter"))
    expect(phone.bubbles.first).to_contain_text("第一行\n第二行", use_inner_text=True)
    expect(phone.box).to_have_value("")
    expect(phone.box).to_be_focused()


def test_whole_page_can_be_used_with_the_keyboard(desk: Desk) -> None:
    phone = desk.open("不用鼠标的人").first
    phone.say("你好")
    more = phone.station.get_by_role("button", name="更多…")
    more.focus()
    desk.page.keyboard.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    expect(phone.station.get_by_role("button", name="申报", exact=True)).to_be_focused()
    desk.page.keyboard.press("Escape")
    expect(more).to_have_attribute("aria-expanded", "false")
    expect(more).to_be_focused()


def test_menu_sends_its_words(desk: Desk) -> None:
    phone = desk.open("点菜单的人").first
    phone.press_menu("打卡")
    expect(phone.bubbles.first).to_contain_text("打卡")
    expect(phone.answers.first).to_be_visible()


def test_long_answer_is_read_from_its_beginning(desk: Desk) -> None:
    desk.page.set_viewport_size({"width": 1280, "height": 640})
    phone = desk.open("慢慢读的人").first
    phone.say("你好")
    newest = phone.station.get_by_role("button", name="看最新消息")
    expect(phone.bubbles.first).to_be_in_viewport(ratio=1)
    expect(phone.station.locator(".choice").last).not_to_be_in_viewport()
    newest.click()
    expect(phone.station.locator(".choice").last).to_be_in_viewport(ratio=1)
    expect(newest).to_be_hidden()


def test_new_messages_are_announced(desk: Desk) -> None:
    phone = desk.open("听屏幕的人").first
    log = phone.station.get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    phone.say("你好")
    expect(log.get_by_text("一码：").first).to_be_attached()


def test_waiting_for_an_answer_shows_that_the_other_side_types(desk: Desk) -> None:
    phone = desk.open("耐心的人").first
    held: list[Route] = []
    desk.page.route(POSTS, lambda route: held.append(route))
    phone.box.fill("你好")
    phone.box.press("Enter")
    expect(phone.station.locator(".typing")).to_be_visible()
    expect(phone.bubbles.first).to_contain_text("你好")
    held[0].continue_()
    expect(phone.answers.first).to_be_visible()
    expect(phone.station.locator(".typing")).to_be_hidden()


def test_words_survive_that_the_service_is_away_and_are_sent_once(desk: Desk) -> None:
    phone = desk.open("断网的人").first
    sent: list[str] = []

    def lose(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.abort()

    desk.page.route(POSTS, lose)
    phone.box.fill("别弄丢了")
    phone.box.press("Enter")
    resend = phone.station.get_by_role("button", name="没发出去，再发一次")
    expect(resend).to_be_visible()
    expect(phone.station.get_by_role("alert")).to_contain_text("连不上")
    desk.page.reload()
    expect(phone.bubbles.first).to_contain_text("别弄丢了")
    desk.page.unroute(POSTS)
    desk.page.on("request", lambda request: sent.append(request.post_data or ""))
    phone.answered_by(resend.click)
    expect(phone.answers.first).to_be_visible()
    expect(resend).to_have_count(0)
    keys = {orjson.loads(body)["key"] for body in sent if body}
    assert len(keys) == 1
    desk.problems[:] = [problem for problem in desk.problems if "ERR_FAILED" not in problem]


def test_conversation_survives_a_reload(desk: Desk, service: Service) -> None:
    phone = desk.open("健忘的人").first
    phone.say("记得我")
    service.queue_notice("健忘的人", "result", {"text": "只说一次"})
    expect(phone.answers.filter(has_text="只说一次")).to_have_count(1)
    count = phone.bubbles.count()
    with desk.page.expect_response(lambda response: "after=" in response.url):
        desk.page.reload()
    expect(phone.bubbles).to_have_count(count)
    expect(phone.bubbles.first).to_contain_text("记得我")


def test_narrow_screen_shows_one_phone(desk: Desk) -> None:
    desk.page.set_viewport_size({"width": 390, "height": 844})
    desk.open("用手机的人")
    expect(desk.first.box).to_be_visible()
    expect(desk.second.station).to_be_hidden()
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_wide_screen_shows_two_phones(desk: Desk) -> None:
    desk.open("甲", "乙")
    expect(desk.first.box).to_be_visible()
    expect(desk.second.box).to_be_visible()


def test_labels_of_the_page_change_to_english_and_stay(desk: Desk) -> None:
    desk.open("说英语的人")
    desk.page.get_by_role("button", name="Switch this page to English").click()
    expect(desk.page.get_by_role("button", name="+1 day")).to_be_visible()
    expect(desk.page.locator("html")).to_have_attribute("lang", "en")
    desk.page.reload()
    expect(desk.page.get_by_role("button", name="+1 day")).to_be_visible()
    expect(desk.first.station.get_by_role("textbox", name="Say something…")).to_be_visible()
