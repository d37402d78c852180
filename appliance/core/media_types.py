"""What a file is by its first bytes, whatever its label says."""

import puremagic

SNIFFED = 4096  # bytes of the beginning that tell
UNKNOWN = "application/octet-stream"
_SOUNDS = {"application/ogg": "audio/ogg", "video/mp4": "audio/mp4", "video/webm": "audio/webm"}
# Shown in a page as they are: none of these can carry a script.
HARMLESS = ("image/jpeg", "image/png", "image/webp", "image/gif", "audio/", "video/mp4", "video/3gpp", "application/pdf")


def type_of(head: bytes, claimed: str = "") -> str:
    """Plain text has no mark of its own: there the label is believed."""
    try:
        found = str(puremagic.from_string(head, mime=True)) or claimed or UNKNOWN
    except (puremagic.PureError, ValueError):
        return claimed if claimed.startswith("text/") else UNKNOWN
    return _SOUNDS[found] if found in _SOUNDS and _is_sound(found, head) else found


def _is_sound(container: str, head: bytes) -> bool:
    """What holds sound or films alike: telephones and browsers say near the beginning which it is."""
    if container == "video/mp4":
        return head[4:12] in {b"ftypM4A ", b"ftypM4B "}
    if container == "video/webm":
        return b"A_" in head and b"V_" not in head
    return b"theora" not in head


def is_harmless(media_type: str) -> bool:
    return media_type.startswith(HARMLESS)
