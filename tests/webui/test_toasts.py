"""Notes at the foot of the page: there is time to read them, to hear them and to take back what they tell of."""

import pytest
from playwright.sync_api import expect

from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]

NOTE = ".toast:has-text('Resolvida.')"  # a leap in time loses the connection, which is told beside it


@pytest.fixture
def page(ana, site, new_context):
    opened = new_context(ana).new_page()
    opened.watch = Watch(opened, site.url)
    opened.clock.install()
    opened.goto("/")
    opened.locator("[data-ready]").wait_for()
    opened.clock.pause_at(opened.evaluate("Date.now()") + 60_000)  # from here time passes only as it is told to
    opened.evaluate("document.dispatchEvent(new CustomEvent('toast', {detail: {text: 'Resolvida.'}}))")
    opened.locator(NOTE).wait_for()
    return opened


def test_a_note_stands_for_ten_seconds(page):
    page.clock.fast_forward("00:09")
    expect(page.locator(NOTE)).to_be_visible()
    page.clock.fast_forward("00:02")
    expect(page.locator(NOTE)).to_have_count(0)


def test_a_note_under_a_hand_or_the_focus_stays(page):
    page.locator(NOTE).hover()
    page.clock.fast_forward("01:00")
    page.locator(f"{NOTE} button").focus()
    page.mouse.move(1, 1)
    page.clock.fast_forward("01:00")
    expect(page.locator(NOTE)).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    page.clock.fast_forward("00:11")
    expect(page.locator(NOTE)).to_have_count(0)
    assert [one for one in page.watch.complaints if one.startswith("script:")] == []  # what is on its way does not survive the leap
