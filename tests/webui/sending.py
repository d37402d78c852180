"""Going on from a page by its form or its link in the browser."""

from playwright.sync_api import expect


def send(button):
    """Clicks, and waits until the page that comes listens: neither one begun before nor a change of the address alone is taken for it."""
    button.page.locator("html").evaluate("root => root.setAttribute('data-sent-from', '')")
    button.click()
    expect(button.page.locator("html[data-ready]:not([data-sent-from])")).to_have_count(1)
