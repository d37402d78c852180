"""The first minutes of a box: a code on its console, then an operator and an organisation."""

import secrets

from sqlalchemy import select, update

from appliance.core.box import Box
from appliance.core.i18n import normalise
from appliance.core.ids import new_id
from appliance.core.rows import was_changed
from appliance.core.uow import Actor, UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions import attempts, hashing, sessions
from appliance.domains.identity.actions.recording import as_tenant, record
from appliance.domains.identity.actions.tenants import add_member, create_tenant
from appliance.domains.identity.errors import AlreadySetUp, SetupCodeWrong
from appliance.domains.identity.rules.names import check_email, check_timezone
from appliance.domains.identity.rules.passwords import check_password
from appliance.domains.identity.rules.tokens import digest, normalise_code
from appliance.domains.identity.tables import SetupCode, Tenant, User
from appliance.domains.identity.types import OWNER, SETUP_CODE_LIFETIME, Device, SessionKind, Setup, SignedIn

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32
_SETUP_ACCOUNT = "setup"


def create_setup_code(box: Box) -> str | None:
    """A code such as `7QK2-M4XD-9RTA`, replacing any before it; None when the box already has users. Shown once, kept hashed."""
    with box.whole_box("setup code") as uow:
        if queries.is_set_up(uow):
            return None
        uow.session.execute(update(SetupCode).where(SetupCode.used_at.is_(None)).values(used_at=uow.now))
        code = "".join(secrets.choice(_LETTERS) for _ in range(12))
        kept = SetupCode(id=new_id(), code_sha256=digest(code), created_at=uow.now, expires_at=uow.now + SETUP_CODE_LIFETIME)
        uow.session.add(kept)
        attempts.forget_failures(uow, Device(), _SETUP_ACCOUNT)
    return "-".join(code[start : start + 4] for start in (0, 4, 8))


def check_setup_code(box: Box, code: str, device: Device) -> None:
    """For the first step of the wizard. Raises SetupCodeWrong, AlreadySetUp, TooMany."""
    with box.whole_box("setup") as uow:
        if queries.is_set_up(uow):
            raise AlreadySetUp
        attempts.check_may_try(uow, _SETUP_ACCOUNT, device)
        good = _find_code(uow, code) is not None
        if good:
            attempts.forget_failures(uow, device, _SETUP_ACCOUNT)
    if not good:
        raise SetupCodeWrong


def complete_setup(box: Box, *, code: str, setup: Setup, device: Device) -> SignedIn:
    """Make the operator and the first tenant and sign the operator in. Of two at once, one gets through.

    Raises SetupCodeWrong, AlreadySetUp, Refused (WeakPassword among them), TooMany.
    """
    check_setup_code(box, code, device)
    password_hash = _hashed(setup)
    with box.whole_box("setup") as uow:
        kept = _find_code(uow, code)
        if kept is None or not _spend(uow, kept):
            raise SetupCodeWrong
        user, tenant = _first_of_all(uow, setup, password_hash)
        _adopt_orphans(uow, user)
        return sessions.begin_session(uow, user, SessionKind.BROWSER, device, tenant_id=tenant.id)


def set_up_from_console(box: Box, setup: Setup) -> Tenant:
    """The same for whoever has a shell on the box, who needs no code. Raises AlreadySetUp, Refused."""
    password_hash = _hashed(setup)
    with box.whole_box("setup from the console") as uow:
        uow.session.execute(update(SetupCode).where(SetupCode.used_at.is_(None)).values(used_at=uow.now))
        user, tenant = _first_of_all(uow, setup, password_hash)
        _adopt_orphans(uow, user)
        return tenant


def _adopt_orphans(uow: UnitOfWork, user: User) -> None:
    """An organisation that nobody belongs to yet, such as the demo, is the operator's."""
    for tenant in queries.list_tenants_without_members(uow):
        with as_tenant(uow, tenant.id) as theirs:
            add_member(theirs, user, OWNER)


def _first_of_all(uow: UnitOfWork, setup: Setup, password_hash: str) -> tuple[User, Tenant]:
    if queries.is_set_up(uow):
        raise AlreadySetUp
    user = User(
        id=new_id(), email=check_email(setup.email), password_hash=password_hash, name=setup.person, locale=normalise(setup.locale),
        is_operator=True, created_at=uow.now,
    )  # fmt: skip
    uow.session.add(user)
    uow.session.flush()
    uow.actor = Actor("user", user.id, user.name)
    tenant = create_tenant(uow, name=setup.tenant, locale=setup.locale, timezone=setup.timezone)
    tenant.settings = {"brand_name": setup.tenant} | ({"brand_colour": setup.brand_colour} if setup.brand_colour else {})
    with as_tenant(uow, tenant.id) as theirs:
        add_member(theirs, user, OWNER)
    record(uow, "box.set_up", about=("user", user.id), after={"tenant": tenant.name})
    return user, tenant


def _hashed(setup: Setup) -> str:
    check_email(setup.email)
    check_timezone(setup.timezone)
    check_password(setup.password, about=(setup.email, setup.person, setup.tenant))
    return hashing.hash_password(setup.password)


def _find_code(uow: UnitOfWork, code: str) -> SetupCode | None:
    return uow.session.scalar(
        select(SetupCode).where(
            SetupCode.code_sha256 == digest(normalise_code(code)), SetupCode.used_at.is_(None), SetupCode.expires_at > uow.now
        )
    )


def _spend(uow: UnitOfWork, kept: SetupCode) -> bool:
    result = uow.session.execute(
        update(SetupCode)
        .where(SetupCode.id == kept.id, SetupCode.used_at.is_(None))
        .values(used_at=uow.now)
        .execution_options(synchronize_session=False)
    )
    return was_changed(result)
