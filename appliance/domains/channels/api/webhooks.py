"""GET and POST /webhooks/whatsapp. The 200 is given after the commit and not before."""

import hmac
import json
from collections.abc import Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.exceptions import BadRequest

from appliance.core.box import Box
from appliance.core.errors import Forbidden, Unauthenticated
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor
from appliance.core.web import PUBLIC, Api, Call
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.cloud import inbound
from appliance.domains.channels.gateways.directory import Directory, directory_of
from appliance.domains.channels.gateways.grouping import group_of
from appliance.domains.channels.rules import signature
from appliance.domains.channels.types import Change, Doorway

webhooks = Api("channel_webhooks", prefix="/webhooks")
Arrived = tuple[Doorway, Change]
MAX_CHANGES = 1000  # Meta sends no more updates in one webhook
META = Actor("system", name="whatsapp_cloud")


@webhooks.get("/whatsapp", access=PUBLIC, unit=False, limit="30/minute", summary="Meta's verify challenge")
def verify_whatsapp(call: Call) -> Response:
    given = request.args.get("hub.verify_token", "")
    if request.args.get("hub.mode") != "subscribe" or not given:
        raise BadRequest(str(_("This address answers Meta's verification and webhooks.")))
    with call.box.whole_box("verify webhook") as uow:
        known = queries.list_verify_tokens(uow)
        token = next((token for token in known if hmac.compare_digest(token.encode(), given.encode())), None)
        if token is None:
            raise Forbidden(_("The verify token is not one of this box's channels."))
        actions.confirm_webhook(uow, known[token])
    return Response(request.args.get("hub.challenge", ""), mimetype="text/plain")


@webhooks.post("/whatsapp", access=PUBLIC, unit=False, limit=None, summary="Messages and statuses from the WhatsApp Cloud API")
def receive_whatsapp(call: Call) -> Response:
    request.max_content_length = call.box.settings.channels.webhook_max_kb * 1024
    body = request.get_data(cache=False)
    header = request.headers.get("X-Hub-Signature-256", "")
    if not signature.is_well_formed(header):
        raise Unauthenticated(_("The webhook is not signed."))
    payload = _read(body)
    directory = _fresh(call.box)
    wanted = inbound.external_ids(payload) if payload is not None else []
    signer = directory.signer(wanted, body, header)
    if signer is None:
        raise Unauthenticated(_("The webhook is not signed with the app secret of any channel."))
    changes = _changes(payload)
    if changes is None:
        _reject(call.box, signer, ["malformed_json"], body)
        raise BadRequest(str(_("The body is not valid JSON.")))
    _accept(call.box, directory, signer, changes, body)
    return Response("EVENT_RECEIVED", mimetype="text/plain")


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _fresh(box: Box) -> Directory:
    directory = directory_of(box)
    if directory.is_stale():
        with box.whole_box("webhook directory", read_only=True) as uow:
            directory.learn(queries.list_doorways(uow))
    return directory


def _changes(payload: dict[str, Any] | None) -> list[Change] | None:
    """None when nobody could read it."""
    try:
        return None if payload is None else list(islice(inbound.changes_of(payload), MAX_CHANGES + 1))
    except inbound.TooDeep:
        return None


def _accept(box: Box, directory: Directory, signer: Doorway, changes: list[Change], body: bytes) -> None:
    """One transaction for each organisation, which is one for nearly every webhook, and one for what could not be used."""
    reasons = [reason for reason, so in (("unknown_shape", not changes), ("too_many_changes", len(changes) > MAX_CHANGES)) if so]
    by_tenant: dict[UUID, list[Arrived]] = {}
    for change in changes[:MAX_CHANGES]:
        doorway = directory.find(change.external_id)
        if doorway is None or doorway.app_secret != signer.app_secret:
            reasons.append("unknown_number")
        else:
            by_tenant.setdefault(doorway.tenant_id, []).append((doorway, change))
    if reasons:
        _reject(box, signer, sorted(set(reasons)), body)
    for tenant_id, arrived in by_tenant.items():
        group_of(box, _receive).run(tenant_id, arrived)


def _receive(box: Box, tenant_id: UUID, webhooks_of_tenant: Sequence[list[Arrived]]) -> None:
    with box.unit(tenant_id, META) as uow:
        actions.receive_changes(uow, [part for arrived in webhooks_of_tenant for part in arrived])


def _reject(box: Box, signer: Doorway, reasons: Sequence[str], body: bytes) -> None:
    text = body.decode("utf-8", "replace")
    with box.unit(signer.tenant_id, META) as uow:
        actions.keep_rejected(uow, signer.channel_id, [(reason, text) for reason in reasons])
