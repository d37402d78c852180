"""What a file is by its first bytes, whatever its label says."""

import puremagic

SNIFFED = 4096  # bytes of the beginning that tell
UNKNOWN = "application/octet-stream"
# Shown in a page as they are: none of these can carry a script.
HARMLESS = ("image/jpeg", "image/png", "image/webp", "image/gif", "audio/", "video/mp4", "video/3gpp", "application/pdf")


def type_of(head: bytes, claimed: str = "") -> str:
    """Plain text has no mark of its own: there the label is believed."""
    try:
        return str(puremagic.from_string(head, mime=True)) or claimed or UNKNOWN
    except (puremagic.PureError, ValueError):
        return claimed if claimed.startswith("text/") else UNKNOWN


def is_harmless(media_type: str) -> bool:
    return media_type.startswith(HARMLESS)
