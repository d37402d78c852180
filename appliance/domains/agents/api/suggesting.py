"""What a person in the inbox could answer."""

from uuid import UUID

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Api, Call
from appliance.domains.agents import actions, queries
from appliance.domains.agents.schemas import SuggestionOut

api = Api("suggesting")


@api.post(
    "/conversations/<uuid:conversation_id>/suggest", permission="conversations:write", returns=SuggestionOut, unit=False,
    summary="An answer from the documents for a person to send, change or drop",
)  # fmt: skip
def suggest(call: Call, conversation_id: UUID) -> SuggestionOut:
    with call.unit(read_only=True) as uow:
        situation = queries.read_open_question(uow, conversation_id)
    if situation is None:
        raise Refused(_("The customer has asked nothing that could be answered in words."))
    found = actions.suggest(call.box, call.who.tenant_id, situation)
    return SuggestionOut(
        text=found.text if found.answered else "", confident=found.confident, confidence=found.confidence,
        sources=[dict(source) for source in found.sources], engine=found.engine,
    )  # fmt: skip
