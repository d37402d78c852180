"""A mail that tells when it is opened and what is followed in it, and who fetched something of it: a person, or a program."""

import html
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

LONGEST = 1000  # characters of an address that is followed by way of the box
TOO_SOON = timedelta(seconds=5)  # nobody opens a mail so soon after it left; what looks for viruses does
AGAIN = timedelta(minutes=1)  # the same once more so soon is a page drawn anew, or somebody who wants the box to write
_LINK = re.compile(r'(<a\s[^>]*?\bhref=")(https?://[^"]+)(?=")', re.IGNORECASE)
_AHEAD = ("Purpose", "Sec-Purpose", "X-Purpose", "X-Moz")  # what a browser says that fetches before anybody asks
_PROGRAM = re.compile(
    r"bot\b|crawl|spider|slurp|preview|scan|check|curl|wget|python|java/|go-http|okhttp|headless|safelinks|barracuda|mimecast|proofpoint",
    re.IGNORECASE,
)
_FETCHES_ALL = "Mozilla/5.0"  # and nothing else: Apple's Mail Privacy Protection, opened or not


def marked(page: str, link: Callable[[str], str], picture: str, *, home: str) -> str:
    """`page` as our own writers make it. The box's own addresses (ways out, questions) stay as they are, and so do very long ones."""

    def followed(found: re.Match[str]) -> str:
        address = html.unescape(found[2])
        return found[0] if address.startswith(f"{home}/") or len(address) > LONGEST else found[1] + html.escape(link(address))

    return f'{_LINK.sub(followed, page)}\n<img src="{html.escape(picture)}" width="1" height="1" alt="">'


def is_program(headers: Mapping[str, str], *, sent_at: datetime | None, now: datetime) -> bool:
    """As far as it can be known: what calls itself a browser and waits a while is taken for a person."""
    agent = headers.get("User-Agent", "")
    is_ahead = any(word in headers.get(name, "").lower() for name in _AHEAD for word in ("prefetch", "prerender", "preview"))
    is_soon = sent_at is None or now - sent_at < TOO_SOON
    return is_soon or is_ahead or agent in {"", _FETCHES_ALL} or _PROGRAM.search(agent) is not None


def is_again(last_at: datetime | None, now: datetime) -> bool:
    return last_at is not None and now - last_at < AGAIN
