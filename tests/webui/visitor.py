"""Somebody on a page that carries the chat, in a browser."""

import re

from playwright.sync_api import expect

from tests.webui.watch import REPORT_VIOLATIONS


class Visitor:
    def __init__(self, context, shop):
        self.complaints = []
        self.page = context.new_page()
        self.page.add_init_script(REPORT_VIOLATIONS)
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(shop.url)

    @property
    def button(self):
        return self.page.get_by_role("button", name=re.compile("o chat"))

    @property
    def frame(self):
        return self.page.frame_locator("iframe")

    def open(self):
        self.button.click()
        expect(self.frame.get_by_role("textbox", name="Sua mensagem")).to_be_enabled()  # its script listens
        return self

    def say(self, text):
        self.frame.get_by_role("textbox", name="Sua mensagem").fill(text)
        self.page.keyboard.press("Enter")
        self.mine(text).locator("time").wait_for()

    def mine(self, text):
        return self.frame.locator(".msg.out", has_text=text)

    def theirs(self, text):
        return self.frame.locator(".msg:not(.out)", has_text=text)


def until(page, what, limit_s=180):
    """Playwright has to be let run while we wait."""
    for _ in range(limit_s * 20):
        if what():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never came")
