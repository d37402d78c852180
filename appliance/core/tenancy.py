"""The wrapped data key of each tenant. Deleting the row makes that tenant's data unreadable for ever."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Rows


class TenantKey(Rows):
    __tablename__ = "tenant_keys"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]


def topic(tenant_id: UUID, *parts: str) -> str:
    """Names for cache keys, channels, blob paths and vector namespaces: they all begin with the tenant."""
    return ":".join((f"t-{tenant_id.hex}", *parts))


def tenant_of(name: str) -> UUID:
    """Whose `topic` this is."""
    return UUID(name.partition(":")[0].removeprefix("t-"))
