"""All views of the studio."""

from webui.studio import (
    agents,
    channels,
    figures,
    letterbox,
    links,
    listening,
    mail_keys,
    moving,
    prices,
    questions,
    simulator,
    spending,
    templates,
)
from webui.studio.pages import pages

__all__ = [
    "agents", "channels", "figures", "letterbox", "links", "listening", "mail_keys", "moving", "pages", "prices", "questions", "simulator",
    "spending", "templates",
]  # fmt: skip
