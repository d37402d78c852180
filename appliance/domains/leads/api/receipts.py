"""What became of something that was sent. It is taken by the process that holds the sockets (ADR 22)."""

from uuid import UUID

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.leads import queries, schemas
from appliance.domains.leads.types import Receipt

HEADERS = (("X-Timestamp", True), ("X-Signature", True), ("X-Event-Id", False), ("X-Nonce", False))
api = web.Api("lead_receipts")
webhook = web.Api("lead_webhooks", prefix="/webhooks")


@webhook.answered_elsewhere(
    "POST", "/leads/<uuid:source_id>", access=web.PUBLIC, body=schemas.AnyJson, returns=schemas.ReceiptOut, headers=HEADERS,
    summary="Send a lead, signed: sha256= and the HMAC of timestamp.body under the secret of the source",
)  # fmt: skip
def receive_lead() -> None:
    """Kept before it is answered: `appliance.entrypoints.lead_webhooks`."""


@api.get("/lead-receipts/<uuid:receipt_id>", permission="leads:read", returns=schemas.ReceiptOut)
def read_receipt(uow: UnitOfWork, receipt_id: UUID) -> Receipt:
    return queries.get_receipt(uow, receipt_id)
