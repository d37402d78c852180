"""Recognises the caller of each request for the web edge. Reads once, writes nothing."""

import threading
from time import monotonic, time
from uuid import UUID

import structlog
from flask import Request
from redis import RedisError

from appliance.core.box import Box
from appliance.core.web import Principal
from appliance.core.web.limits import RateLimits
from appliance.domains.identity import actions
from appliance.domains.identity.errors import SessionOver
from appliance.domains.identity.types import API_KEY_RATE, SEEN, SESSION_COOKIE, Presented

NOTE_EVERY_S = 60.0
_KEPT = 10_000
_WITHOUT_TENANT = frozenset({"api_auth.whoami", "api_auth.switch_tenant", "api_tenants.list_tenants"})  # how one learns and names it
_UNATTENDED = frozenset({"faults.amiss"})  # open pages ask by themselves: that is nobody's presence
log = structlog.get_logger()


class BoxAuthenticator:
    """Provided to the box under core.web.Authenticator."""

    def __init__(self) -> None:
        self._noted: dict[UUID, float] = {}
        self._lock = threading.Lock()

    def authenticate(self, box: Box, request: Request) -> Principal | None:
        needs_tenant = request.endpoint not in _WITHOUT_TENANT
        found = actions.recognise(box, presented(request), prefer=_tenant_of_address(request), needs_tenant=needs_tenant)
        if found is None:
            return None
        principal, holder = found
        if holder.rate_limit is not None and holder.rate_limit < API_KEY_RATE:
            RateLimits(box.redis).check(f"{holder.rate_limit}/minute", "api_key", principal.credential_id.hex)
        if request.endpoint not in _UNATTENDED:
            self._note(box, principal.credential_id)
        return principal

    def _note(self, box: Box, credential_id: UUID) -> None:
        """Last seen goes to Redis at most once a minute; a job writes it down."""
        now = monotonic()
        with self._lock:
            if now - self._noted.get(credential_id, -NOTE_EVERY_S) < NOTE_EVERY_S:
                return
            if len(self._noted) >= _KEPT:
                self._noted.clear()
            self._noted[credential_id] = now
        try:
            box.redis.zadd(SEEN, {credential_id.hex: time()})
        except RedisError as err:
            log.info("seen_not_noted", error=type(err).__name__)


def presented(request: Request) -> Presented:
    """Raises SessionOver for an Authorization header that is not a bearer's."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme and scheme.lower() != "bearer":
        raise SessionOver
    return Presented(
        cookie=request.cookies.get(SESSION_COOKIE, ""),
        bearer=credential.strip() or ("-" if scheme else ""),
        api_key=request.headers.get("X-API-Key") or request.headers.get("apikey", ""),  # as Evolution's programs call it
        tenant=request.headers.get("X-Tenant-ID", ""),
    )


def _tenant_of_address(request: Request) -> UUID | None:
    found = (request.view_args or {}).get("tenant_id")
    return found if isinstance(found, UUID) else None
