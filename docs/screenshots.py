"""Takes the pictures of the simulator that the documentation shows: `python -m docs.screenshots`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.browser.conftest import BROWSERS, FLAGS
from tests.browser.desk import Desk
from tests.browser.service import ROOT, Service

IMAGES = ROOT / "docs" / "images"
WIDE: ViewportSize = {"width": 1280, "height": 1062}
NARROW: ViewportSize = {"width": 390, "height": 844}


def take_all() -> None:
    """Start the service with its town, hold the conversations, and write the pictures."""
    path = next(filter(None, map(shutil.which, BROWSERS)))
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        service = Service(Path(folder), seed="town")
        try:
            service.wait_until_ready()
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            take_wide(browser, service)
            take_narrow(browser, service)
            browser.close()
        finally:
            service.stop()


def take_wide(browser: Browser, service: Service) -> None:
    """Two phones: one message for six codes, and why a code has its colour."""
    desk = open_desk(browser, service, WIDE, "李小梅", "王建国")
    desk.first.say("36.5 没有不舒服")
    desk.first.say("去广州上班用哪个码？")
    desk.second.press_menu("为什么")
    take(desk, "chat.png")


def take_narrow(browser: Browser, service: Service) -> None:
    """The same page on a narrow screen, where the screen is the phone."""
    desk = open_desk(browser, service, NARROW, "陈静")
    desk.first.say("36.6，不咳嗽了")
    desk.first.press_menu("我的码")
    take(desk, "chat-phone.png")


def open_desk(browser: Browser, service: Service, size: ViewportSize, *users: str) -> Desk:
    page = browser.new_page(viewport=size, device_scale_factor=1.5, locale="zh-CN", reduced_motion="reduce")
    return Desk(page, service.address, []).open(*users)


def take(desk: Desk, name: str) -> None:
    desk.page.evaluate("document.activeElement.blur()")
    desk.page.mouse.move(0, 0)
    desk.page.screenshot(path=IMAGES / name)
    desk.page.close()


if __name__ == "__main__":
    take_all()
