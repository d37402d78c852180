"""Counting attempts before they are heard, so that many at once count too."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from appliance.core.errors import TooMany
from appliance.core.i18n import lazy_gettext as _
from appliance.core.rows import bring_forward, insert_if_absent, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions.recording import as_tenant, in_lock_order, record
from appliance.domains.identity.rules import throttling, tokens
from appliance.domains.identity.rules.throttling import Tally
from appliance.domains.identity.tables import LoginSession, SignInAttempts, User
from appliance.domains.identity.types import Device


def account_of(uow: UnitOfWork, email: str, user: User | None, device: Device) -> str:
    """What attempts on an account are counted under: an address it signed in from has a count of its own.

    So strangers who use up the tries of an account lock out strangers, not the person at their usual place.
    """
    is_usual = user is not None and bool(device.ip) and queries.has_signed_in_from(uow, user.id, device.ip)
    return f"{email} from {device.ip}" if is_usual else email


def check_may_try(uow: UnitOfWork, account: str, device: Device) -> bool:
    """Count one attempt. True when it is the last that is heard for now. Raises TooMany past the limit."""
    by_address = _count(uow, f"ip:{device.ip}", throttling.PER_ADDRESS) if device.ip else False
    return _count(uow, f"account:{account}", throttling.PER_ACCOUNT) or by_address


def forget_failures(uow: UnitOfWork, device: Device, *accounts: str) -> None:
    """After a success. The address keeps what others did from it."""
    keys = [tokens.digest(f"account:{account}") for account in accounts]
    uow.session.execute(delete(SignInAttempts).where(SignInAttempts.key.in_(keys)))
    row = uow.session.get(SignInAttempts, tokens.digest(f"ip:{device.ip}"))
    if row is not None:
        _keep(row, throttling.forgive(_tally(row)))


def record_lockout(uow: UnitOfWork, user_id: UUID | None, device: Device) -> None:
    """In the chains of the organisations it touches, or in the box's own when nobody was meant."""
    seats = queries.seats_of(uow, user_id) if user_id else []
    if not seats:
        record(uow, "sign_in.locked", about=("address", ""), ip=device.ip)
    for tenant, _role in in_lock_order(seats):
        with as_tenant(uow, tenant.id) as theirs:
            record(theirs, "sign_in.locked", about=("user", user_id), ip=device.ip)


def forget_old(uow: UnitOfWork) -> None:
    uow.session.execute(delete(SignInAttempts).where(SignInAttempts.since < uow.now - throttling.WINDOW - throttling.LOCKED_FOR))


def heed_put_back(uow: UnitOfWork, by: timedelta) -> None:
    """Who is locked out waits as long as before, and who left is not here for so much longer."""
    for moment in (SignInAttempts.since, SignInAttempts.locked_until, LoginSession.last_seen_at):
        bring_forward(uow, moment, by)


def _count(uow: UnitOfWork, name: str, limit: int) -> bool:
    row = _locked_row(uow, tokens.digest(name))
    tally = _tally(row)
    wait = throttling.wait_of(tally, uow.now)
    if wait is not None:
        raise TooMany(_("Too many attempts. Wait a moment and try again."), retry_after=wait.total_seconds())
    counted = throttling.count(tally if tally.locked_until is None else None, uow.now, limit=limit)
    _keep(row, counted)
    return counted.locked_until is not None


def _locked_row(uow: UnitOfWork, key: str) -> SignInAttempts:
    insert_if_absent(uow, SignInAttempts, {"key": key, "failures": 0, "since": uow.now})
    return uow.session.scalars(locked(select(SignInAttempts).where(SignInAttempts.key == key))).one()


def _tally(row: SignInAttempts) -> Tally:
    return Tally(row.failures, row.since, row.locked_until)


def _keep(row: SignInAttempts, tally: Tally) -> None:
    row.failures, row.since, row.locked_until = tally.failures, tally.since, tally.locked_until
