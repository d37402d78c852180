"""Sending a form of a page in the browser."""

from playwright.sync_api import expect


def send(button):
    """Clicks, and waits for the page that comes back: neither one begun before nor a change of the address alone is taken for it."""
    button.page.locator("html").evaluate("root => root.setAttribute('data-sent-from', '')")
    button.click()
    expect(button.page.locator("html:not([data-sent-from])")).to_have_count(1)
