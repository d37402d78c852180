from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api
from appliance.domains.channels import actions, queries
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import AwaitedConsentOut

confirmations = Api("confirmations")


@confirmations.get("/contacts/<uuid:contact_id>/consents/awaited", permission="contacts:read", returns=list[AwaitedConsentOut])
def list_awaited(uow: UnitOfWork, contact_id: UUID) -> list[AwaitedConsentOut]:
    """Typed in a form, and not yet confirmed from the person's own mailbox."""
    return queries.list_awaited(uow, people.get_contact(uow, contact_id).id)


@confirmations.post(
    "/consents/awaited/<uuid:awaited_id>/ask", permission="contacts:write", returns=AwaitedConsentOut,
    summary="Write the mail that did not go once more",
)  # fmt: skip
def ask_again(uow: UnitOfWork, awaited_id: UUID) -> AwaitedConsentOut:
    actions.ask_again(uow, awaited_id)
    return queries.get_awaited(uow, awaited_id)
