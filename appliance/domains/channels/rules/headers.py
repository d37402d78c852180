"""Headers of templates that are no text: a picture, a video, a document or a place.

https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-media
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from babel.support import LazyProxy

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.types import Parts, Sample

MIB = 2**20
MAX_MAILED_FILE = 20 * MIB  # what mail servers usually take, with a third more for how mails carry files
PLACE = "LOCATION"
LINK = "header.link"
PLACE_SLOTS = ("header.latitude", "header.longitude", "header.name", "header.address")
_LINK = re.compile(r"https://[^\s<>\"]{3,900}")


@dataclass(frozen=True)
class FileHeader:
    """`sent_as`: what Meta calls it in a message."""

    sent_as: str
    mime_types: tuple[str, ...]
    most: int
    wanted: LazyProxy


FILES = {
    "IMAGE": FileHeader("image", ("image/jpeg", "image/png"), 5 * MIB, _("WhatsApp takes JPEG and PNG pictures of up to 5 MB here.")),
    "VIDEO": FileHeader("video", ("video/mp4", "video/3gpp"), 16 * MIB, _("WhatsApp takes MP4 and 3GPP videos of up to 16 MB here.")),
    "DOCUMENT": FileHeader("document", ("application/pdf",), 100 * MIB, _("WhatsApp takes PDF documents of up to 100 MB here.")),
}
KNOWN = frozenset({"", PLACE, *FILES})


def problem_of_file(media: str, mime_type: str, size: int) -> LazyProxy | None:
    """`media` is empty for a mail, which takes any file."""
    wanted = FILES.get(media)
    if wanted is None:
        return _("A mail takes a file of up to 20 MB.") if size > MAX_MAILED_FILE else None
    return None if mime_type in wanted.mime_types and size <= wanted.most else wanted.wanted


def fits(media: str, mime_type: str, size: int) -> bool:
    return media in FILES and problem_of_file(media, mime_type, size) is None


def problems_of_values(parts: Parts, values: Mapping[str, str]) -> dict[str, LazyProxy]:
    """What was typed for the header and cannot be sent, by place."""
    problems: dict[str, LazyProxy] = {}
    if parts.media in FILES and values.get(LINK) and not _LINK.fullmatch(values[LINK]):
        problems[LINK] = _("Enter the whole address of the file, with https://.")
    if parts.media == PLACE:
        for name, most in (("header.latitude", 90), ("header.longitude", 180)):
            if not _is_degree(values.get(name, ""), most):
                problems[name] = _("Enter degrees as a number, such as -23.5505.")
    return problems


def _is_degree(said: str, most: int) -> bool:
    return bool(re.fullmatch(r"-?\d{1,3}(\.\d{1,15})?", said)) and abs(float(said)) <= most


def component_of(parts: Parts, values: Mapping[str, str]) -> dict[str, object] | None:
    """The header as `POST /messages` wants it, as far as it is known before a file is handed up."""
    if parts.media == PLACE:
        place = {slot.removeprefix("header."): values.get(slot, "") for slot in PLACE_SLOTS}
        return _header("location", place)
    if parts.media in FILES and values.get(LINK):
        return _header(FILES[parts.media].sent_as, {"link": values[LINK]})
    return None


def file_component(media: str, media_id: str, filename: str) -> dict[str, object]:
    sent_as = FILES[media].sent_as
    named = {"filename": filename} if sent_as == "document" and filename else {}
    return _header(sent_as, {"id": media_id, **named})


def _header(sent_as: str, said: Mapping[str, str]) -> dict[str, object]:
    return {"type": "header", "parameters": [{"type": sent_as, sent_as: dict(said)}]}


def needs_file(parts: Parts, values: Mapping[str, str], sample: Sample | None) -> bool:
    """Somebody has to choose one before it can be sent."""
    return parts.media in FILES and sample is None and not values.get(LINK)
