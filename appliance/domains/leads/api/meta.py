"""The address Meta calls: once to see that it is ours, then for each lead."""

import hmac
import json
from uuid import UUID

from flask import Response, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from appliance.core import web
from appliance.core.errors import Forbidden
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor
from appliance.core.web.api import count_unrecognised
from appliance.domains.leads import actions, queries
from appliance.domains.leads.errors import SourceNotFound, WebhookRefused
from appliance.domains.leads.rules import announcements, signatures
from appliance.domains.leads.types import LARGEST, Doorway, MetaSecret, SourceKind

VERIFY_RATE = "30/minute"

api = web.Api("lead_ads", prefix="/webhooks")


@api.get("/meta-leads/<uuid:source_id>", access=web.PUBLIC, unit=False, limit=VERIFY_RATE, summary="Meta's verification of the address")
def verify(call: web.Call, source_id: UUID) -> Response:
    doorway = _doorway(call, source_id)
    given = request.args.get("hub.verify_token", "")
    if request.args.get("hub.mode") != "subscribe" or not given:
        raise BadRequest(str(_("This address answers Meta's verification and webhooks.")))
    if not hmac.compare_digest(doorway.secrets[MetaSecret.VERIFY_TOKEN].encode(), given.encode("utf-8", "replace")):
        raise Forbidden(_("The verify token is not the one of this source."))
    return Response(request.args.get("hub.challenge", "")[:200], mimetype="text/plain")


@api.post("/meta-leads/<uuid:source_id>", access=web.PUBLIC, unit=False, limit=None, summary="Meta names new leads")
def receive_announcement(call: web.Call, source_id: UUID) -> Response:
    """Kept before it is answered; each lead is fetched a moment later."""
    body = _read_body()
    doorway = _doorway(call, source_id)
    try:
        signatures.check_signed_by_meta(doorway.secrets[MetaSecret.APP_SECRET], body, request.headers.get("X-Hub-Signature-256", ""))
        named = announcements.leadgen_ids(json.loads(body))
    except WebhookRefused as err:
        count_unrecognised()
        _keep(call, doorway, err.reason, body)
        raise
    except (ValueError, RecursionError) as err:
        _keep(call, doorway, "malformed_json", body)
        raise BadRequest(str(_("The body is not valid JSON."))) from err
    with call.box.unit(doorway.tenant_id, _actor_of(doorway)) as uow:
        actions.announce_leads(uow, doorway.source_id, named)
    return Response("EVENT_RECEIVED", mimetype="text/plain")


def _doorway(call: web.Call, source_id: UUID) -> Doorway:
    with call.box.whole_box("lead ads webhook", read_only=True) as uow:
        doorway = queries.find_doorway(uow, source_id)
    if doorway.kind is not SourceKind.META:
        raise SourceNotFound
    return doorway


def _read_body() -> bytes:
    if (request.content_length or 0) > LARGEST:
        raise RequestEntityTooLarge
    body = request.get_data(cache=False)
    if len(body) > LARGEST:
        raise RequestEntityTooLarge
    return body


def _actor_of(doorway: Doorway) -> Actor:
    return Actor("system", name=doorway.name)


def _keep(call: web.Call, doorway: Doorway, reason: str, body: bytes) -> None:
    with call.box.unit(doorway.tenant_id, _actor_of(doorway)) as uow:
        actions.keep_rejected(uow, doorway.source_id, reason, body)
