"""A file that comes along with a form."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import request

from appliance.core.errors import Refused
from appliance.core.files import give_up
from appliance.core.web import Call, Upload, keep_upload


@dataclass
class Chosen:
    """`upload` None: none came, or it was refused with `problem`."""

    upload: Upload | None = None
    problem: str = ""


@contextmanager
def chosen_file(call: Call) -> Iterator[Chosen]:
    """Stored before a unit opens, and gone again unless something uses it."""
    chosen = _stored(call)
    try:
        yield chosen
    finally:
        if chosen.upload:
            give_up(call.box, call.who.tenant_id, chosen.upload.blob_id)


def _stored(call: Call) -> Chosen:
    given = request.files.get("file")
    if given is None or not given.filename:
        return Chosen()
    try:
        limit = call.box.settings.channels.max_media_mb * 2**20
        return Chosen(keep_upload(call.box, call.who.tenant_id, call.who.actor, limit=limit))
    except Refused as err:
        return Chosen(problem=str(err))
