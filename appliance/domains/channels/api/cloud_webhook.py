"""Where Meta sends what came by the Cloud API. It is taken by the process that holds the sockets (ADR 21)."""

from pydantic import Field
from werkzeug import Response

from appliance.core import web
from appliance.core.web import Schema

cloud_webhook = web.Api("cloud_webhook", prefix="/webhooks")


class ChallengeQuery(Schema):
    mode: str = Field(alias="hub.mode", description="subscribe")
    verify_token: str = Field(alias="hub.verify_token")
    challenge: str = Field(alias="hub.challenge", description="Given back as it came")


@cloud_webhook.answered_elsewhere(
    "GET", "/whatsapp", access=web.PUBLIC, query=ChallengeQuery, summary="Answer Meta's challenge when this address is entered there"
)
def verify() -> Response:
    """`appliance.entrypoints.cloud_webhooks`."""
    raise AssertionError("answered by the process that holds the sockets")


@cloud_webhook.answered_elsewhere(
    "POST", "/whatsapp", access=web.PUBLIC, raw="application/json", headers=(("X-Hub-Signature-256", True),),
    summary="Hand over messages and statuses as Meta sends them, signed with the app secret of the channel",
)  # fmt: skip
def receive() -> None:
    """Kept before it is answered: `appliance.entrypoints.cloud_webhooks`."""
