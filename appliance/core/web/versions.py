"""ETags: of two people who edit one thing the second is told, instead of undoing the first (RFC 9110, 13.1.1).

What `GET` shows of a thing is its version. `If-Match` on a PATCH, PUT or DELETE is compared with what a GET of the same address
(or, for `/documents/<id>/filing`, of the thing it belongs to) shows now; a table needs no column for it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flask import Response, request
from sqlalchemy import func, select

from appliance.core.errors import Outdated
from appliance.core.i18n import lazy_gettext as _

if TYPE_CHECKING:
    from appliance.core.uow import UnitOfWork

TAG_LETTERS = 32


def tag(answer: Response) -> Response:
    """Name the version that is shown, and say 304 to who has it already."""
    if answer.is_streamed or answer.mimetype != "application/json":
        return answer
    answer.set_etag(_version(answer))
    answer.make_conditional(request)
    return answer


def name(answer: Response) -> None:
    """Of a change that shows the thing as GET does: what to send as If-Match the next time."""
    answer.set_etag(_version(answer))


def is_guarded() -> bool:
    """Also by something that cannot be read as versions: then it names none that there is."""
    return bool(request.headers.get("If-Match", "").strip()) and not request.if_match.star_tag


def take_turn(uow: UnitOfWork) -> None:
    """Guarded writers of one address go one at a time. The embedded store has one writer anyhow."""
    if uow.box.database.is_postgresql:
        number = hashlib.blake2b(f"{uow.tenant_id}{request.path}".encode(), digest_size=8).digest()
        uow.session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(number, "big", signed=True))))


def check_unchanged(shown_now: Response | None) -> None:
    """Raises Outdated, also for a thing that is never shown by itself and so has no version that anybody could name."""
    if shown_now is None or not request.if_match.contains(_version(shown_now)):
        raise Outdated(_("Somebody changed this since you opened it. Reload it, look at what is new and make your change again."))


def _version(answer: Response) -> str:
    return hashlib.sha256(answer.get_data()).hexdigest()[:TAG_LETTERS]
