"""Mails that other programs hand over. They are taken by the process that holds the sockets (ADR 21)."""

from uuid import UUID

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import actions, queries
from appliance.domains.channels.api.channels import MANAGE
from appliance.domains.channels.schemas import LetterboxOut, PostReceiptOut

HEADERS = (("X-Timestamp", True), ("X-Signature", True))
LETTERBOX = "/channels/<uuid:channel_id>/letterbox"
letterbox = web.Api("letterbox")
letters = web.Api("mail_webhooks", prefix="/webhooks")


@letterbox.post(LETTERBOX, permission=MANAGE, returns=LetterboxOut, shows_secret=True, summary="Take mails by HTTP, with a new secret")
def open_letterbox(uow: UnitOfWork, channel_id: UUID) -> LetterboxOut:
    """What was signed with an earlier secret is refused from then on."""
    return LetterboxOut(secret=actions.open_letterbox(uow, channel_id), address=queries.posting_address(uow, channel_id))


@letterbox.delete(LETTERBOX, permission=MANAGE, summary="Take no more mails by HTTP")
def close_letterbox(uow: UnitOfWork, channel_id: UUID) -> None:
    actions.close_letterbox(uow, channel_id)


@letters.answered_elsewhere(
    "POST", "/email/<uuid:channel_id>", access=web.PUBLIC, raw="message/rfc822", returns=PostReceiptOut, headers=HEADERS,
    summary="Hand a mail over as it came, signed: sha256= and the HMAC of timestamp.body under the secret of the channel",
)  # fmt: skip
def receive_mail() -> None:
    """Kept before it is answered: `appliance.entrypoints.mail_webhooks`."""
