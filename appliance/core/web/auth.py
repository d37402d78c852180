"""Who is asking, and the token that proves a form is ours. How people are recognised is the identity domain's business."""

import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, Protocol
from uuid import UUID

from flask import Request, g, request

from appliance.core.errors import Forbidden, Unauthenticated
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor

if TYPE_CHECKING:
    from appliance.core.box import Box

CSRF_COOKIE = "se_form"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Principal:
    """Somebody signed in, acting in one tenant."""

    user_id: UUID
    tenant_id: UUID
    name: str
    email: str
    role: str
    permissions: frozenset[str]
    via: Literal["cookie", "bearer", "api_key"]
    credential_id: UUID
    locale: str = ""
    is_operator: bool = False
    tenants: tuple[tuple[UUID, str], ...] = field(default=())

    def can(self, permission: str) -> bool:
        return permission in self.permissions

    @property
    def actor(self) -> Actor:
        if self.via == "api_key":
            return Actor("api_key", self.credential_id, self.name)
        return Actor("user", self.user_id, self.name)


class Authenticator(Protocol):
    def authenticate(self, box: "Box", request: Request) -> Principal | None:
        """None when nothing was presented; raises Unauthenticated when what was presented is not good, NotFound for a foreign tenant."""
        ...


def current_principal() -> Principal | None:
    found = g.get("principal")
    return found if isinstance(found, Principal) else None


def check_access(principal: Principal | None, permission: str | None) -> Principal:
    if principal is None:
        raise Unauthenticated(_("Sign in to continue."))
    if permission is not None and not principal.can(permission):
        raise Forbidden(_("Your role does not allow this. Ask an administrator of your organisation."))
    return principal


def csrf_token(box: "Box") -> str:
    """The token for this browser and session; the cookie it is tied to is set with the answer."""
    cookie = request.cookies.get(CSRF_COOKIE) or g.setdefault("csrf_cookie", secrets.token_urlsafe(24))
    return _token(box, cookie)


def check_csrf(box: "Box") -> None:
    if request.method in SAFE_METHODS:
        return
    cookie = request.cookies.get(CSRF_COOKIE, "")
    given = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    if not cookie or not hmac.compare_digest(given.encode(), _token(box, cookie).encode()):
        raise Forbidden(_("This form is out of date. Reload the page and try again."))


def _token(box: "Box", cookie: str) -> str:
    principal = current_principal()
    session = principal.credential_id.hex if principal else ""
    return hmac.new(box.keys.token_key, f"csrf:{cookie}:{session}".encode(), sha256).hexdigest()
