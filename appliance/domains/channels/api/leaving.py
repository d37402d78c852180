"""What a mail program calls when its reader clicks "unsubscribe" (RFC 8058): no cookie, no session, the token is all there is."""

from uuid import UUID

from appliance.core.web import PUBLIC, Api, Call
from appliance.domains.channels import actions

leaving = Api("leaving", prefix="/unsubscribe")


@leaving.post("/<uuid:channel_id>/<string(length=97):token>", access=PUBLIC, unit=False, limit="300/hour", summary="End notices by e-mail")
def unsubscribe(call: Call, channel_id: UUID, token: str) -> None:
    actions.unsubscribe(call.box, channel_id, token)
