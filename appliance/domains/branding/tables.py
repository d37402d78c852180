from datetime import datetime
from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Sealed, SealedJson, TenantOwned


class Brand(TenantOwned, Base):
    """Tenant NIL is the box's own, the reseller's. `live`, `draft` and `previous` have the shape of schemas.BrandValues.

    An organisation's live name and colour are settings of the organisation and stand there alone.
    """

    __tablename__ = "brands"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    domain: Mapped[str | None] = mapped_column(String(253), unique=True)
    live: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    draft: Mapped[dict[str, Any] | None] = mapped_column(SealedJson())
    previous: Mapped[dict[str, Any] | None] = mapped_column(SealedJson())
    updated_at: Mapped[datetime]


class BrandPicture(TenantOwned, Base):
    """Small and few, so they live and die with the rows that name them. `body` is base64."""

    __tablename__ = "brand_pictures"
    __table_args__ = (UniqueConstraint("tenant_id", "sha256"),)

    sha256: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(Sealed())
