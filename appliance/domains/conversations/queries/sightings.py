from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.queries.thread import get_message
from appliance.domains.conversations.schemas import SightingOut
from appliance.domains.conversations.tables import Sighting


def get_sighting(uow: UnitOfWork, message_id: UUID) -> SightingOut:
    """Of a message that told nothing: nothing. Raises MessageNotFound."""
    message = get_message(uow, message_id)
    return find_sightings(uow, {message.id}).get(message.id, SightingOut(message_id=message.id))


def find_sightings(uow: UnitOfWork, message_ids: Collection[UUID]) -> dict[UUID, SightingOut]:
    """By message; one that told nothing has none."""
    if not message_ids:
        return {}
    found = uow.session.scalars(select(Sighting).where(Sighting.message_id.in_(message_ids)))
    return {row.message_id: SightingOut.model_validate(row) for row in found}
