"""The address that forms are sent to: ours, and those a company has on its own site. No secret, so what they say proves nothing."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, jsonify, redirect, request
from werkzeug import Response as AnyResponse
from werkzeug.exceptions import BadRequest

from appliance.core import clock, web
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor
from appliance.core.web.auth import CSRF_FIELD
from appliance.domains.leads import actions, queries
from appliance.domains.leads.api import checks
from appliance.domains.leads.errors import NobodySeen, SourceNotFound, WebhookRefused
from appliance.domains.leads.types import Arrived, Captured, Doorway, LeadField, SourceKind

RATE = "30/minute"
HONEYPOT = "website"  # people do not see it, programs that fill in everything do
OWN_PAGE = "own_page"  # only the box's own page can be drawn again with what was typed
MOST_FIELDS, LONGEST_FIELD, LONGEST_CAMPAIGN = 60, 5000, 200
_CAMPAIGN = tuple(field.value for field in LeadField if field.startswith("utm_"))

api = web.Api("lead_forms", prefix="/forms")


@api.post("/<uuid:form_id>", access=web.PUBLIC, unit=False, limit=RATE, foreign=True, summary="Send a form, urlencoded or JSON")
def receive_form(call: web.Call, form_id: UUID) -> AnyResponse:
    """A browser is led to the page that says thanks; a program gets the ids as JSON."""
    with call.box.whole_box("lead form", read_only=True) as uow:
        doorway = queries.find_doorway(uow, form_id)
    if doorway.kind is not SourceKind.FORM or doorway.form is None:
        raise SourceNotFound
    said = _said()
    is_ours = bool(said.pop(OWN_PAGE, ""))
    answer = said.pop(checks.ANSWER, "")
    if said.pop(HONEYPOT, ""):
        return _thanks(form_id, None)
    body = json.dumps(said, ensure_ascii=False)
    event_id = f"{sha256(body.encode('utf-8', 'replace')).hexdigest()}@{clock.now():%Y%m%d%H}"  # a double click is one event
    try:
        nonce = checks.check_person(call, doorway, str(answer)) if doorway.form.get("keeps_programs_out") else ""
        captured = _capture(call, doorway, Arrived(event_id, body, said, evidence=_evidence(doorway.form), nonce=nonce))
    except Refused as err:
        if request.is_json:
            raise
        why = {"again": "unseen" if isinstance(err, NobodySeen) else "1"}
        if is_ours:
            return redirect(f"/forms/{form_id}/again?{urlencode(why)}", 307)  # the browser sends the same there
        return redirect(f"/forms/{form_id}?{urlencode(why | _campaign(said))}", 303)
    return _thanks(form_id, captured)


def _capture(call: web.Call, doorway: Doorway, arrived: Arrived) -> Captured:
    """Raises Refused; NobodySeen also for a sum that brought another lead before."""
    try:
        with call.box.unit(doorway.tenant_id, Actor("contact", name=doorway.name)) as uow:
            return actions.capture_lead(uow, doorway.source_id, arrived)
    except WebhookRefused as err:
        raise NobodySeen from err


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


def _campaign(said: Mapping[str, Any]) -> dict[str, str]:
    """What the page was opened with, so that whoever is asked for more still came from there."""
    return {name: str(said[name])[:LONGEST_CAMPAIGN] for name in _CAMPAIGN if said.get(name)}


def _clean(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:LONGEST_FIELD].strip()


def _evidence(form: Mapping[str, Any]) -> dict[str, str]:
    """What shows later who said yes to what."""
    found = {"ip": request.remote_addr or "", "page": (request.referrer or "")[:300]}
    return {**found, "text": form["consent_text"]} if form["consent_text"] else found


def _thanks(form_id: UUID, captured: Captured | None) -> AnyResponse:
    if not request.is_json:
        return redirect(f"/forms/{form_id}/thanks", 303)
    found: Response = jsonify({} if captured is None else vars(captured))
    return found
