"""A page as it is shown: axe has nothing against it in both themes and on a phone, where nothing is wider than the screen."""

import os

from tests.webui.axe import violations

SHOTS = os.environ.get("SALESEDGE_SHOTS", "")
SHOWN = ((1280, "light"), (1280, "dark"), (390, "light"))


def look(page, name):
    """With SALESEDGE_SHOTS a picture of each is left in that folder."""
    before = page.viewport_size
    for width, theme in SHOWN:
        page.set_viewport_size({"width": width, "height": before["height"]})
        page.emulate_media(color_scheme=theme)
        assert violations(page) == [], (name, theme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{theme}-{width}.png", full_page=True)
    page.set_viewport_size(before)
