"""Going on from a page in the browser: by its form or its link, or once the box has kept what was written."""

from playwright.sync_api import expect


def send(button):
    """Clicks, and waits until the page that comes listens: neither one begun before nor a change of the address alone is taken for it."""
    button.page.locator("html").evaluate("root => root.setAttribute('data-sent-from', '')")
    button.click()
    expect(button.page.locator("html[data-ready]:not([data-sent-from])")).to_have_count(1)


def draft_kept(page, text, *, status=200):
    """Waits, when left, until the box has answered this very reply, not an earlier one and not a look at what it has."""

    def is_it(answer):
        asked = answer.request
        is_draft = asked.method == "PUT" and asked.url.endswith("/drafts")
        return is_draft and asked.post_data_json.get("reply") == text and answer.status == status

    return page.expect_response(is_it)
