"""The address that forms are sent to: ours, and those a company has on its own site. No secret, so what they say proves nothing."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import Response, jsonify, redirect, request
from werkzeug import Response as AnyResponse
from werkzeug.exceptions import BadRequest

from appliance.core import clock, web
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor
from appliance.core.web.auth import CSRF_FIELD
from appliance.domains.leads import queries
from appliance.domains.leads.api.webhook import capture
from appliance.domains.leads.errors import SourceNotFound
from appliance.domains.leads.types import Arrived, Captured, Doorway, SourceKind

RATE = "30/minute"
HONEYPOT = "website"  # people do not see it, programs that fill in everything do
MOST_FIELDS, LONGEST_FIELD = 60, 5000

api = web.Api("lead_forms", prefix="/forms")


@api.post("/<uuid:form_id>", access=web.PUBLIC, unit=False, limit=RATE, foreign=True, summary="Send a form, urlencoded or JSON")
def receive_form(call: web.Call, form_id: UUID) -> AnyResponse:
    """A browser is led to the page that says thanks; a program gets the ids as JSON."""
    with call.box.whole_box("lead form", read_only=True) as uow:
        doorway = queries.find_doorway(uow, form_id)
    if doorway.kind is not SourceKind.FORM or doorway.form is None:
        raise SourceNotFound
    said = _said()
    if said.pop(HONEYPOT, ""):
        return _thanks(form_id, None)
    body = json.dumps(said, ensure_ascii=False)
    event_id = f"{sha256(body.encode('utf-8', 'replace')).hexdigest()}@{clock.now():%Y%m%d%H}"  # a double click is one event
    arrived = Arrived(event_id, body, said, evidence=_evidence(doorway.form))
    try:
        captured = capture(call, doorway, arrived, _visitor(doorway))
    except Refused:
        if request.is_json:
            raise
        return redirect(f"/forms/{form_id}?again=1", 303)
    return _thanks(form_id, captured)


def _said() -> dict[str, Any]:
    """One value a field, as text."""
    given: Mapping[str, Any] = request.form.to_dict()
    if request.is_json:
        try:
            given = json.loads(request.get_data())
        except (ValueError, RecursionError) as err:
            raise BadRequest(str(_("The body is not valid JSON."))) from err
        if not isinstance(given, dict):
            raise BadRequest(str(_("The body is not valid JSON.")))
    kept = {name: value for name, value in list(given.items())[:MOST_FIELDS] if isinstance(value, str | int | float | bool)}
    return {_clean(name): _clean(value) if isinstance(value, str) else value for name, value in kept.items() if name != CSRF_FIELD}


def _clean(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:LONGEST_FIELD].strip()


def _evidence(form: Mapping[str, Any]) -> dict[str, str]:
    """What shows later who said yes to what."""
    found = {"ip": request.remote_addr or "", "page": (request.referrer or "")[:300]}
    return {**found, "text": form["consent_text"]} if form["consent_text"] else found


def _visitor(doorway: Doorway) -> Actor:
    return Actor("contact", name=doorway.name)


def _thanks(form_id: UUID, captured: Captured | None) -> AnyResponse:
    if not request.is_json:
        return redirect(f"/forms/{form_id}/thanks", 303)
    found: Response = jsonify({} if captured is None else vars(captured))
    return found
