"""A file that somebody chose to go along with what they write."""

from typing import Any

from appliance.core import files
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.schemas import MediaIn, ReplyIn


def chosen_media(uow: UnitOfWork, given: MediaIn) -> dict[str, Any]:
    """As the content of the message that is written in this unit. Raises FileNotUsable."""
    return {**given.model_dump(mode="json"), "size": files.claim(uow, given.blob_id).size}


def content_of(uow: UnitOfWork, given: ReplyIn) -> dict[str, Any]:
    """Raises FileNotUsable."""
    return given.content() | ({"media": chosen_media(uow, given.media)} if given.media else {})
