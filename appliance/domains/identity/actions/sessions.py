"""The life of a session: begun, refreshed, moved to another tenant, revoked."""

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from appliance.core import crypto
from appliance.core.box import Box
from appliance.core.errors import NotFound
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import was_changed
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions.recording import as_tenant, in_lock_order, record
from appliance.domains.identity.errors import NoSuchTenant, SessionOver
from appliance.domains.identity.events import SessionRevoked
from appliance.domains.identity.rules import tokens
from appliance.domains.identity.tables import LoginSession, User
from appliance.domains.identity.types import SESSION_LIFETIME, Device, SessionKind, SignedIn, TokenPair


def begin_session(uow: UnitOfWork, user: User, kind: SessionKind, device: Device, *, tenant_id: UUID | None) -> SignedIn:
    session_id = new_id()
    secret = _new_secret(uow.box, kind, session_id)
    uow.session.add(
        LoginSession(
            id=session_id, user_id=user.id, tenant_id=tenant_id, kind=kind, secret_sha256=tokens.digest(secret),
            device=device.user_agent[:200], ip=device.ip[:45], created_at=uow.now, last_seen_at=uow.now,
            expires_at=uow.now + SESSION_LIFETIME,
        )
    )  # fmt: skip
    user.last_login_at = uow.now
    return SignedIn(session_id, user.id, tenant_id, secret)


def tokens_of(box: Box, signed_in: SignedIn, now: datetime) -> TokenPair:
    """The first pair of a token session."""
    access = tokens.issue_access(tokens.Access(signed_in.user_id, signed_in.session_id), box.keys.token_key, now)
    return TokenPair(access, signed_in.secret, signed_in.session_id, signed_in.user_id)


def refresh(box: Box, refresh_token: str) -> TokenPair:
    """A new pair for a token never used before; one used again revokes its family. Raises SessionOver."""
    session_id = tokens.read_refresh(refresh_token, _refresh_key(box))
    with box.whole_box("refresh") as uow:
        pair = _rotate(uow, session_id, refresh_token)
        if pair is None:
            _revoke_reused(uow, session_id)
    if pair is None:
        raise SessionOver
    return pair


def _rotate(uow: UnitOfWork, session_id: UUID, refresh_token: str) -> TokenPair | None:
    """Of two that arrive at once the database lets one through: it swaps the hash only where it still is the old one."""
    fresh = _new_secret(uow.box, SessionKind.TOKEN, session_id)
    swapped = uow.session.execute(
        update(LoginSession)
        .where(
            LoginSession.id == session_id,
            LoginSession.secret_sha256 == tokens.digest(refresh_token),
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > uow.now,
            LoginSession.user_id.in_(select(User.id).where(User.is_active)),
        )
        .values(secret_sha256=tokens.digest(fresh), last_seen_at=uow.now, expires_at=uow.now + SESSION_LIFETIME)
        .execution_options(synchronize_session=False)
    )
    if not was_changed(swapped):
        return None
    session = uow.session.get_one(LoginSession, session_id)
    return tokens_of(uow.box, SignedIn(session.id, session.user_id, session.tenant_id, fresh), uow.now)


def _revoke_reused(uow: UnitOfWork, session_id: UUID) -> None:
    session = uow.session.get(LoginSession, session_id)
    if session is None or session.revoked_at is not None or session.expires_at <= uow.now:
        return
    session.revoked_at, session.revoked_because = uow.now, "reuse"
    for tenant, _role in in_lock_order(queries.seats_of(uow, session.user_id)):
        with as_tenant(uow, tenant.id) as theirs:
            record(theirs, "session.reuse_detected", about=("session", session_id), after={"user_id": session.user_id}, ip=session.ip)
            theirs.emit(SessionRevoked(session_id, session.user_id))


def revoke_session(uow: UnitOfWork, *, user_id: UUID, session_id: UUID, because: str = "person") -> None:
    """One of the person's own. Raises NotFound for anybody else's."""
    session = uow.session.get(LoginSession, session_id)
    if session is None or session.user_id != user_id:
        raise NotFound(_("There is no such session."))
    if session.revoked_at is None:
        session.revoked_at, session.revoked_because = uow.now, because
        record(uow, "session.revoked", about=("session", session_id), after={"because": because})
        uow.emit(SessionRevoked(session_id, user_id))


def revoke_other_sessions(uow: UnitOfWork, *, user_id: UUID, keep: UUID | None, because: str = "person") -> int:
    """Every session of the person but `keep`. Returns how many ended."""
    living = (LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None), LoginSession.expires_at > uow.now)
    ended = [session for session in uow.session.scalars(select(LoginSession).where(*living)) if session.id != keep]
    for session in ended:
        session.revoked_at, session.revoked_because = uow.now, because
        uow.emit(SessionRevoked(session.id, user_id))
    if ended:
        record(uow, "session.revoked_others", about=("user", user_id), after={"count": len(ended), "because": because})
    return len(ended)


def switch_tenant(box: Box, *, user_id: UUID, session_id: UUID, tenant_id: UUID) -> None:
    """The session works in another of the person's tenants from now on. Raises NoSuchTenant when it is not theirs."""
    with box.whole_box("switch tenant") as uow:
        session = uow.session.get(LoginSession, session_id)
        if session is None or session.user_id != user_id or all(tenant.id != tenant_id for tenant, _role in queries.seats_of(uow, user_id)):
            raise NoSuchTenant
        session.tenant_id = tenant_id


def _new_secret(box: Box, kind: SessionKind, session_id: UUID) -> str:
    if kind is SessionKind.BROWSER:
        return tokens.sign(secrets.token_urlsafe(32), box.keys.token_key)
    return tokens.make_refresh(session_id, _refresh_key(box), secrets.token_bytes(tokens.REFRESH_RANDOM))


def _refresh_key(box: Box) -> bytes:
    return crypto.derive(box.keys.token_key, "refresh")
