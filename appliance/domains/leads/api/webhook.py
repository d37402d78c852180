"""The address other systems send leads to. What cannot be used is kept beside the source it came to."""

import json
from contextlib import suppress
from uuid import UUID

from flask import request
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from appliance.core import clock, web
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor
from appliance.core.web.api import count_unrecognised
from appliance.domains.leads import actions, queries
from appliance.domains.leads.errors import SourceNotFound, WebhookRefused
from appliance.domains.leads.rules import signatures
from appliance.domains.leads.schemas import CapturedOut
from appliance.domains.leads.types import Arrived, Captured, Doorway, SourceKind

LARGEST = 2**20
ATTEMPTS = 3  # when the same event comes twice at once, the second finds the first's result

api = web.Api("lead_webhooks", prefix="/webhooks")


@api.post("/leads/<uuid:source_id>", access=web.PUBLIC, returns=CapturedOut, unit=False, limit=None, summary="Send a lead, signed")
def receive_lead(call: web.Call, source_id: UUID) -> Captured:
    """Headers X-Timestamp, X-Signature, and if there are X-Event-Id and X-Nonce. Committed before it is answered."""
    body = read_body()
    with call.box.whole_box("lead webhook", read_only=True) as uow:
        doorway = queries.find_doorway(uow, source_id)
    if doorway.kind is not SourceKind.WEBHOOK:
        raise SourceNotFound
    try:
        secret = doorway.secrets.get(queries.SECRET, "")
        signature = _header("X-Signature")
        signatures.check_signed(secret, body, signature=signature, timestamp=_header("X-Timestamp"), now=clock.now())
        said = json.loads(body)
        arrived = Arrived(_header("X-Event-Id"), body.decode("utf-8"), said, nonce=_header("X-Nonce"), signature=signature)
        return capture(call, doorway, arrived, actor_of(doorway))
    except WebhookRefused as err:
        count_unrecognised()  # strangers may fill their own list only so fast
        keep(call, doorway, err.reason, body)
        raise
    except (ValueError, RecursionError) as err:
        keep(call, doorway, "malformed_json", body)
        raise BadRequest(str(_("The body is not valid JSON."))) from err
    except Refused:
        keep(call, doorway, "names_nobody", body)
        raise


def capture(call: web.Call, doorway: Doorway, arrived: Arrived, actor: Actor) -> Captured:
    for _attempt in range(ATTEMPTS):
        with suppress(IntegrityError), call.box.unit(doorway.tenant_id, actor) as uow:
            return actions.capture_lead(uow, doorway.source_id, arrived)
    raise Unavailable(_("The same lead came many times at once. Send it again."), retry_after=1)


def read_body() -> bytes:
    if (request.content_length or 0) > LARGEST:
        raise RequestEntityTooLarge
    body = request.get_data(cache=False)
    if len(body) > LARGEST:
        raise RequestEntityTooLarge
    return body


def _header(name: str) -> str:
    return request.headers.get(name, "").strip()[:200]


def actor_of(doorway: Doorway) -> Actor:
    return Actor("system", name=doorway.name)


def keep(call: web.Call, doorway: Doorway, reason: str, body: bytes) -> None:
    with call.box.unit(doorway.tenant_id, actor_of(doorway)) as uow:
        actions.keep_rejected(uow, doorway.source_id, reason, body)
