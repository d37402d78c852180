"""Passwords, checked and changed. These take the box: hashing is slow, so it happens between two short units."""

from uuid import UUID

from appliance.core import clock
from appliance.core.box import Box
from appliance.core.uow import Actor, UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions import attempts, hashing, sessions
from appliance.domains.identity.actions.recording import as_tenant, in_lock_order, record
from appliance.domains.identity.errors import WeakPassword, WrongCredentials
from appliance.domains.identity.rules.names import fold_email
from appliance.domains.identity.rules.passwords import MAX_LENGTH, check_password
from appliance.domains.identity.types import Device, SessionKind, SignedIn, TokenPair


def sign_in(box: Box, *, email: str, password: str, device: Device, kind: SessionKind = SessionKind.BROWSER) -> SignedIn:
    """Raises WrongCredentials for every reason alike, TooMany after too many attempts."""
    account = fold_email(email)
    with box.whole_box("sign in") as uow:
        user = queries.find_user_by_email(uow, account)
        counted = attempts.account_of(uow, account, user, device)
        is_last = attempts.check_may_try(uow, counted, device)
        kept = user.password_hash if user else None
    fits = hashing.is_password(kept, password[: MAX_LENGTH + 1])
    better = hashing.hash_password(password) if fits and kept and hashing.is_outdated(kept) else None
    with box.whole_box("sign in") as uow:
        signed_in = _begin(uow, account, kind, device, better) if fits else None
        if signed_in is not None:
            attempts.forget_failures(uow, device, account, counted)
        if signed_in is None and is_last:
            attempts.record_lockout(uow, user.id if user else None, device)
    if signed_in is None:
        raise WrongCredentials
    return signed_in


def sign_in_for_tokens(box: Box, *, email: str, password: str, device: Device) -> TokenPair:
    signed_in = sign_in(box, email=email, password=password, device=device, kind=SessionKind.TOKEN)
    return sessions.tokens_of(box, signed_in, clock.now())


def _begin(uow: UnitOfWork, account: str, kind: SessionKind, device: Device, better_hash: str | None) -> SignedIn | None:
    """None when the person may not enter after all: disabled, or in no active organisation."""
    user = queries.find_user_by_email(uow, account)
    seats = queries.seats_of(uow, user.id) if user else []
    if user is None or not user.is_active or not (seats or user.is_operator):
        return None
    user.password_hash = better_hash or user.password_hash
    # A program with several organisations must name one in each request; a person starts in the first.
    chosen = seats[0][0].id if seats and (kind is SessionKind.BROWSER or len(seats) == 1) else None
    signed_in = sessions.begin_session(uow, user, kind, device, tenant_id=chosen)
    actor = Actor("user", user.id, user.name)
    for tenant, _role in in_lock_order(seats):
        with as_tenant(uow, tenant.id) as theirs:
            theirs.actor = actor
            record(theirs, "sign_in.succeeded", about=("session", signed_in.session_id), after={"kind": kind}, ip=device.ip)
    return signed_in


def change_password(box: Box, *, user_id: UUID, tenant_id: UUID, keep_session: UUID, current: str, new: str, device: Device) -> None:
    """Ends every other session of the person. Raises WeakPassword (also tied to `current` when that one is wrong), TooMany."""
    with box.whole_box("change password") as uow:
        attempts.check_may_try(uow, f"password:{user_id}", device)
        user = queries.get_user(uow, user_id)
        kept, about = user.password_hash, (user.email, user.name)
    if not hashing.is_password(kept, current[: MAX_LENGTH + 1]):
        raise WeakPassword(WrongCredentials().message, "current")
    check_password(new, about=about, field="new")
    hashed = hashing.hash_password(new)
    with box.unit(tenant_id, Actor("user", user_id, about[1])) as uow:
        attempts.forget_failures(uow, device, f"password:{user_id}")
        queries.get_user(uow, user_id).password_hash = hashed
        record(uow, "password.changed", about=("user", user_id), ip=device.ip)
        sessions.revoke_other_sessions(uow, user_id=user_id, keep=keep_session, because="password changed")
