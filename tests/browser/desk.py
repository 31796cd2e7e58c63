"""The simulator's page as somebody uses it: a desk with phones on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page

SUBMITTED = "提交$"
PICKED = (
    SUBMITTED,
    "居民身份证$",
    "都要（推荐）$",
    "一直在这里$",
    "^没有",
)  # the first that is offered is picked
TYPED = {"手机": "13800138000", "区县": "武汉江岸区", "街道": "百步亭社区，金桥大道8号3栋501"}
MOST_QUESTIONS = 30


@dataclass(frozen=True)
class Phone:
    """One phone of the page, as somebody uses it."""

    page: Page
    station: Locator

    @property
    def box(self) -> Locator:
        return self.station.get_by_role("textbox", name="说点什么…")

    @property
    def bubbles(self) -> Locator:
        return self.station.locator(".bubble")

    @property
    def answers(self) -> Locator:
        """What the service said."""
        return self.station.locator(".entry.service .bubble")

    def say(self, words: str) -> None:
        """Type and send, and wait for the answer."""
        self.box.fill(words)
        self.answered_by(lambda: self.box.press("Enter"))

    def pick(self, label: str) -> None:
        """Click a quick reply and wait for the answer."""
        self.answered_by(self.station.get_by_role("button", name=label, exact=True).last.click)

    def press_menu(self, label: str) -> None:
        """Press an item of the menu below the chat and wait for the answer."""
        menu = self.station.get_by_role("navigation")
        self.answered_by(menu.get_by_role("button", name=label, exact=True).click)

    def declare(self, name: str, certificate: str) -> None:
        """Agree and declare as somebody who stayed at home and is well: picks where there is something to
        pick, types where there isn't, in whatever order it is asked."""
        self.say("你好")
        self.pick("同意")
        self.pick("健康申报")
        typed = {**TYPED, "姓名": name, "号码": certificate}
        for _ in range(MOST_QUESTIONS):
            offered = self.station.locator(".choice").all_text_contents()
            label = next((each for wanted in PICKED for each in offered if re.search(wanted, each)), None)
            if label is not None:
                self.pick(label)
                if re.search(SUBMITTED, label):
                    return
                continue
            question = self.answers.last.inner_text()
            answer = next((answer for asked, answer in typed.items() if asked in question), None)
            assert answer is not None, f"no answer to {question!r}, offered {offered}"
            self.say(answer)
        raise AssertionError("the declaration has no end")

    def answered_by(self, act: Callable[[], Any]) -> None:
        with self.page.expect_response(lambda response: response.request.method == "POST") as answer:
            act()
        assert answer.value.ok, answer.value.text()
        self.station.locator(".entry.sending").wait_for(state="detached")


@dataclass(frozen=True)
class Desk:
    """The open page with its phones, and everything that went wrong on it."""

    page: Page
    address: str
    problems: list[str]

    @property
    def first(self) -> Phone:
        return Phone(self.page, self.page.locator("[data-phone='1']"))

    @property
    def second(self) -> Phone:
        return Phone(self.page, self.page.locator("[data-phone='2']"))

    def open(self, *users: str) -> Desk:
        """The page with these residents on its phones."""
        query = "&".join(f"user={user}" for user in users)
        self.page.goto(f"{self.address}/simulator/?{query}")
        self.page.locator("html[data-ready]").wait_for(state="attached")
        return self
