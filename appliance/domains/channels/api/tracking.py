"""What a mail program fetches when its reader opens a mail or follows an address in it: no cookie, the token is all there is."""

from base64 import b64decode
from uuid import UUID

import structlog
from flask import Response, redirect, request
from pydantic import Field
from werkzeug import Response as AnyResponse

from appliance.core.rows import PASSING
from appliance.core.web import PUBLIC, Api, Call, Schema
from appliance.domains.channels import actions
from appliance.domains.channels.rules.tracking import LONGEST

log = structlog.get_logger()
tracking = Api("tracking", prefix="/m")
ADDRESS = "/<uuid:channel_id>/<string(length=97):token>"
DOT = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class FollowQuery(Schema):
    to: str = Field(min_length=1, max_length=LONGEST)


@tracking.get(f"{ADDRESS}/picture.gif", access=PUBLIC, unit=False, summary="The picture of a mail that tells when it is opened")
def open_mail(call: Call, channel_id: UUID, token: str) -> AnyResponse:
    _note(call, channel_id, token)
    return _unkept(Response(DOT, mimetype="image/gif"))


@tracking.get(ADDRESS, access=PUBLIC, unit=False, query=FollowQuery, summary="Lead to an address that stands in a mail, and nowhere else")
def follow(call: Call, channel_id: UUID, token: str, query: FollowQuery) -> AnyResponse:
    _note(call, channel_id, token, query.to)
    return _unkept(redirect(query.to))


def _note(call: Call, channel_id: UUID, token: str, address: str = "") -> None:
    """Whoever only asks for the head of it reads nothing, and whoever is signed in is no customer. Who follows is led, counted or not."""
    tenant_id, message_id = actions.check_sign(call.box, channel_id, token, address)
    if request.method != "HEAD" and call.principal is None:
        try:
            actions.note_read(call.box, tenant_id, message_id, dict(request.headers), address)
        except PASSING as err:
            log.warning("mail_read_uncounted", error=type(err).__name__)


def _unkept(answer: AnyResponse) -> AnyResponse:
    answer.headers["Cache-Control"] = "no-store, private"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
