"""`Idempotency-Key`: the first answer is kept with its effect, and a repeat gets it again (draft-ietf-httpapi-idempotency-key)."""

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Sealed, TenantOwned
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)


class IdempotentAnswer(TenantOwned, Base):
    __tablename__ = "idempotent_answers"

    route: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(200))
    request_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[str] = mapped_column(Sealed())
    created_at: Mapped[datetime] = mapped_column(index=True)
    caller_id: Mapped[UUID | None]

    __table_args__ = (UniqueConstraint("tenant_id", "caller_id", "route", "key"),)


def find_answer(uow: UnitOfWork, *, route: str, key: str, request_body: bytes) -> IdempotentAnswer | None:
    """Raises Refused when the key was used for another request."""
    mine = (IdempotentAnswer.caller_id == uow.actor.id, IdempotentAnswer.route == route, IdempotentAnswer.key == key)
    kept = uow.session.scalar(select(IdempotentAnswer).where(*mine))
    if kept is None:
        return None
    if kept.request_sha256 != sha256(request_body).hexdigest():
        raise Refused(_("This Idempotency-Key was already used for another request."))
    return kept


def keep_answer(uow: UnitOfWork, *, route: str, key: str, request_body: bytes, status: int, body: bytes) -> None:
    """A second request that raced us breaks the unique key and is rolled back with its effect."""
    uow.session.add(
        IdempotentAnswer(
            tenant_id=uow.tenant_id,
            route=route,
            key=key,
            request_sha256=sha256(request_body).hexdigest(),
            status=status,
            body=body.decode(),
            created_at=uow.now,
            caller_id=uow.actor.id,
        )
    )


def forget_old(uow: UnitOfWork) -> None:
    uow.session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.created_at < uow.now - KEPT_FOR))
