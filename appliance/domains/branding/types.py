from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """A picture of a brand."""

    LOGO = "logo"
    LOGO_DARK = "logo_dark"
    FAVICON = "favicon"


@dataclass(frozen=True)
class Picture:
    """Cleaned: safe to serve to a browser. `media_type` is image/svg+xml, image/png or image/webp."""

    media_type: str
    body: bytes
    sha256: str

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.media_type]


SUFFIXES = {"image/svg+xml": "svg", "image/png": "png", "image/webp": "webp"}

# Sentences of the product that a brand may say in its own words. Each stands on a page made by the server.
WORDS = (
    "Home", "Inbox", "Contacts", "Leads", "Knowledge", "Agents", "Channels", "Templates", "Simulator", "Company", "AI agent",
    "Service and sales that stay at home.", "This box is in your company. So is your data.",
)  # fmt: skip
