"""`Idempotency-Key`: the first answer is kept with its effect, and a repeat gets it again (draft-ietf-httpapi-idempotency-key).

Every POST of somebody signed in honours it, sign-in itself apart. A view that opens its own units cannot keep its answer in the
transaction of its effect: its key is taken before and settled after, and a repeat meanwhile is a 409.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Response, request
from sqlalchemy import String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Sealed, TenantOwned
from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.rows import surely

if TYPE_CHECKING:
    from appliance.core.uow import UnitOfWork
    from appliance.core.web.api import Call

HEADER = "Idempotency-Key"
LONGEST_KEY = 200
KEPT_FOR = timedelta(hours=24)
UNSETTLED = 0  # the status of a key whose first request is still running
ABANDONED_AFTER = timedelta(minutes=10)
Act = Callable[[], Response]


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


@dataclass(frozen=True)
class Asked:
    """A request that carries a key. The answer of one that `shows_secret` is never kept."""

    route: str
    key: str
    sha256: str
    shows_secret: bool


def asked(*, shows_secret: bool) -> Asked | None:
    """None when the caller sent no key. Raises Refused for one that is too long."""
    key = request.headers.get(HEADER, "")
    if not key:
        return None
    if len(key) > LONGEST_KEY:
        raise Refused(_("An Idempotency-Key has at most %(count)s characters.", count=LONGEST_KEY))
    return Asked(f"{request.method} {request.path}"[:200], key, _fingerprint(), shows_secret)


def once_within(uow: UnitOfWork, wanted: Asked, act: Act) -> Response:
    """A second request that races us breaks the unique key and is rolled back with its effect."""
    kept = _find(uow, wanted)
    if kept is not None:
        return _again(kept, wanted)
    answer = act()
    _keep(uow, wanted, answer.status_code, _body_of(answer, wanted))
    return answer


def once_around(call: Call, wanted: Asked, act: Act) -> Response:
    """For a view that opens its own units. A key whose request died with the process is free again after ten minutes."""
    with call.unit() as uow:
        kept = _find(uow, wanted)
        if kept is not None and kept.status == UNSETTLED and kept.created_at < uow.now - ABANDONED_AFTER:
            uow.session.delete(kept)
            uow.session.flush()
            kept = None
        if kept is not None:
            return _again(kept, wanted)
        _keep(uow, wanted, UNSETTLED, "")
    answer: Response | None = None
    try:
        answer = act()
    finally:
        surely(partial(_settle, call, wanted, answer))
    return answer


def forget_old(uow: UnitOfWork) -> None:
    uow.session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.created_at < uow.now - KEPT_FOR))


def _settle(call: Call, wanted: Asked, answer: Response | None) -> None:
    with call.unit() as uow:
        taken = _find(uow, wanted)
        if taken is None:
            return
        if answer is None or answer.is_streamed or answer.status_code >= HTTPStatus.BAD_REQUEST:
            uow.session.delete(taken)
        else:
            taken.status, taken.body = answer.status_code, _body_of(answer, wanted)


def _again(kept: IdempotentAnswer, wanted: Asked) -> Response:
    """Raises Refused when the key was used for another request, Conflict when there is no answer to give (again)."""
    if kept.request_sha256 != wanted.sha256:
        raise Refused(_("This Idempotency-Key was already used for another request."))
    if kept.status == UNSETTLED:
        raise Conflict(_("The first request with this Idempotency-Key is still being answered. Ask again in a moment."))
    if wanted.shows_secret:
        raise Conflict(_("This was done already, and its secret is shown only once. Make a new one if it was lost."))
    return Response(kept.body, kept.status, mimetype="application/json", headers={"Idempotency-Replayed": "true"})


def _find(uow: UnitOfWork, wanted: Asked) -> IdempotentAnswer | None:
    mine = (IdempotentAnswer.caller_id == uow.actor.id, IdempotentAnswer.route == wanted.route, IdempotentAnswer.key == wanted.key)
    return uow.session.scalar(select(IdempotentAnswer).where(*mine))


def _keep(uow: UnitOfWork, wanted: Asked, status: int, body: str) -> None:
    uow.session.add(
        IdempotentAnswer(
            tenant_id=uow.tenant_id,
            route=wanted.route,
            key=wanted.key,
            request_sha256=wanted.sha256,
            status=status,
            body=body,
            created_at=uow.now,
            caller_id=uow.actor.id,
        )
    )


def _body_of(answer: Response, wanted: Asked) -> str:
    return "" if wanted.shows_secret else answer.get_data(as_text=True)


def _fingerprint() -> str:
    """Of what was asked: of a form its fields and files, since its boundary differs each time."""
    digest = hashlib.sha256(request.query_string + b"\n")
    if request.mimetype != "multipart/form-data":
        digest.update(request.get_data())
        return digest.hexdigest()
    for name, value in request.form.items(multi=True):
        digest.update(repr((name, value)).encode())
    for name, file in request.files.items(multi=True):
        content = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]
        digest.update(repr((name, file.filename, content)).encode())
        file.stream.seek(0)
    return digest.hexdigest()
