"""Whether somebody sits behind a form: their browser does a sum that we asked, once for each form that is sent."""

import secrets
from uuid import UUID

from flask import Response, jsonify

from appliance.core import clock, crypto, web
from appliance.domains.leads import queries
from appliance.domains.leads.errors import NobodySeen, SourceNotFound
from appliance.domains.leads.rules import puzzles
from appliance.domains.leads.types import Doorway

ANSWER = "form_check"

api = web.Api("lead_form_checks", prefix="/forms")


@api.get("/<uuid:form_id>/check", access=web.PUBLIC, unit=False, limit="60/minute", summary="What the browser has to work out")
def read_puzzle(call: web.Call, form_id: UUID) -> Response:
    """For forms on any site: whoever asks may read it, and learns nothing by it."""
    with call.box.whole_box("lead form", read_only=True) as uow:
        doorway = queries.find_doorway(uow, form_id)
    if doorway.form is None:
        raise SourceNotFound
    asked = puzzles.puzzle(_key(call, doorway), form_id, secrets.token_urlsafe(9), clock.now())
    response: Response = jsonify(puzzle=asked, bits=puzzles.BITS)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


def check_person(call: web.Call, doorway: Doorway, answer: str) -> str:
    """What is used up once the lead is kept. Raises NobodySeen."""
    nonce = puzzles.solved(_key(call, doorway), doorway.source_id, answer, clock.now())
    if nonce is None:
        raise NobodySeen
    return nonce


def _key(call: web.Call, doorway: Doorway) -> bytes:
    return crypto.derive(call.box.keys.tenant_key(doorway.tenant_id), "form checks")
