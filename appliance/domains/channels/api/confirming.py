from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api
from appliance.domains.channels import actions
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import AwaitedConsentOut

confirmations = Api("confirmations")


@confirmations.post(
    "/consents/awaited/<uuid:awaited_id>/ask", permission="contacts:write", returns=AwaitedConsentOut,
    summary="Write the mail that did not go once more",
)  # fmt: skip
def ask_again(uow: UnitOfWork, awaited_id: UUID) -> AwaitedConsentOut:
    actions.ask_again(uow, awaited_id)
    return AwaitedConsentOut.model_validate(people.get_awaited(uow, awaited_id))
