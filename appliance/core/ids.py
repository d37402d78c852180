"""Identifiers that sort by the moment they were made."""

from datetime import datetime
from uuid import UUID

import uuid_utils

NIL = UUID(int=0)  # stands for "the box itself" where a tenant is asked for


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): indexes stay compact because new rows land at the end."""
    return UUID(int=uuid_utils.uuid7().int)


def first_id_at(moment: datetime) -> UUID:
    """The smallest id made at or after `moment`: a primary key can be read by time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
