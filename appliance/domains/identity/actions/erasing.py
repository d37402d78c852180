"""The keys of an organisation: rotated while it works, destroyed for good. Both are done at the console and need no open unit."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select, tuple_, update
from sqlalchemy.orm import aliased

from appliance.core import clock, db, resealing, signing, tenancy
from appliance.core.box import Box
from appliance.core.errors import Conflict, DomainError, Refused
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import NIL
from appliance.core.rows import count_changed, required
from appliance.core.tenancy import KeyRotation, TenantKey
from appliance.core.uow import Actor, UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions.operating import CONSOLE
from appliance.domains.identity.actions.recording import as_tenant, record
from appliance.domains.identity.errors import NoSuchTenant
from appliance.domains.identity.tables import AuditEntry, LoginSession, Membership, Tenant, User
from appliance.domains.identity.types import TenantStatus
from appliance.inference.types import VectorIndex

AT_ONCE = 2000
CERTIFICATE = "salesedge-erasure/1"


def find_tenant_id(box: Box, slug: str) -> UUID:
    """Raises NoSuchTenant."""
    with box.whole_box("organisation at the console", CONSOLE, read_only=True) as uow:
        return required(uow.session.scalar(select(Tenant.id).where(Tenant.slug == slug)), NoSuchTenant)


def rotate_tenant_key(box: Box, tenant_id: UUID, *, keep: timedelta, by: Actor = CONSOLE) -> KeyRotation:
    """New content goes under a new key at once, the scheduler sees to the rest. Raises NoSuchTenant, Conflict."""
    with box.whole_box("rotate an organisation's key", by) as uow:
        queries.get_tenant(uow, tenant_id)
        rotation = resealing.begin(uow, tenant_id, keep=keep)
        with as_tenant(uow, tenant_id) as theirs:
            record(theirs, "key.rotated", about=("tenant", tenant_id), after={"generation": rotation.generation})
        return rotation


def erase_tenant(box: Box, tenant_id: UUID, *, namespaces: Sequence[str]) -> dict[str, Any]:
    """Its keys first, from which moment nothing of it can be read; then all it has. The certificate, signed, stands in the box's record.

    `namespaces` of its vector indexes. Killed in between it is called again. Raises Conflict while a backup runs, once the keys are gone.
    """
    told = _destroy_keys(box, tenant_id)
    box.keys.forget(tenant_id)
    is_scrubbed = tenancy.scrub(box)
    told["indexes"] = [_dropped(box, namespace) for namespace in namespaces]
    told["rows"] = _delete_rows(box, tenant_id)
    if not box.blobs.delete_all(tenant_id):
        raise Conflict(_("Its key is destroyed. A backup runs: give the same command again when it is done, for what is left."))
    told["in_redis"] = tenancy.forget_in_redis(box, tenant_id)
    with box.whole_box("erase an organisation", CONSOLE) as uow:
        told |= {"erased_at": uow.now.isoformat(), "by": CONSOLE.name, "remains": _remains(box, is_scrubbed=is_scrubbed)}
        certificate = signing.sign_document(box.keys.receipt_key, CERTIFICATE, told)
        record(uow, "tenant.erased", about=("tenant", tenant_id), after=certificate)
        uow.session.execute(delete(Tenant).where(Tenant.id == tenant_id))
    return certificate


def check_certificate(certificate: Mapping[str, Any], public_key: str) -> None:
    """Raises Refused when the box with this key (hex) did not sign it, or it was altered."""
    if not signing.is_genuine(certificate, CERTIFICATE, public_key):
        raise Refused(_("This certificate was not signed by this box, or it was altered."))


def _destroy_keys(box: Box, tenant_id: UUID) -> dict[str, Any]:
    with box.whole_box("destroy an organisation's key", CONSOLE) as uow:
        tenant = required(uow.session.get(Tenant, tenant_id), NoSuchTenant)
        if uow.session.get(TenantKey, tenant_id) is None and (before := _destroyed_before(uow, tenant_id)):
            return before
        tenancy.overwrite_what_goes(uow)
        uow.session.execute(delete(TenantKey).where(TenantKey.tenant_id == tenant_id))
        tenant.status, tenant.suspended_at = TenantStatus.SUSPENDED, tenant.suspended_at or uow.now
        left = update(LoginSession).where(LoginSession.tenant_id == tenant_id, LoginSession.revoked_at.is_(None))
        sessions = count_changed(uow.session.execute(left.values(revoked_at=uow.now, revoked_because="organisation erased")))
        told = {
            "tenant_id": str(tenant_id), "name": tenant.name, "slug": tenant.slug, "unreadable_since": uow.now.isoformat(),
            "sessions": sessions, "people": _delete_people(uow, tenant_id),
        }  # fmt: skip
        record(uow, "tenant.key_destroyed", about=("tenant", tenant_id), after=told)
    return told


def _destroyed_before(uow: UnitOfWork, tenant_id: UUID) -> dict[str, Any] | None:
    """What was recorded when its keys went, of an erasure that was cut short then."""
    this = AuditEntry.action == "tenant.key_destroyed", AuditEntry.object_id == str(tenant_id)
    last = select(AuditEntry).where(AuditEntry.tenant_id == NIL, *this).order_by(AuditEntry.seq.desc()).limit(1)
    found = uow.session.scalar(last)
    return dict(found.after) if found is not None and found.after else None


def _delete_people(uow: UnitOfWork, tenant_id: UUID) -> int:
    """Those who belong nowhere else; operators stay."""
    elsewhere = aliased(Membership)
    own = select(Membership.user_id).where(Membership.tenant_id == tenant_id)
    other = exists().where(elsewhere.user_id == User.id, elsewhere.tenant_id != tenant_id)
    return count_changed(uow.session.execute(delete(User).where(User.id.in_(own), ~other, ~User.is_operator)))


def _delete_rows(box: Box, tenant_id: UUID) -> int:
    """A few at a time, and again until whoever was still writing has stopped."""
    done = 0
    while deleted := sum(_delete_from(box, name, tenant_id) for name in _tables()):
        done += deleted
    return done


def _tables() -> list[str]:
    """Those that refer to others first."""
    return [table.name for table in reversed(list(db.tenant_tables(db.Rows.metadata)))]


def _delete_from(box: Box, name: str, tenant_id: UUID) -> int:
    table, done = db.Rows.metadata.tables[name], 0
    keys = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(table.c.tenant_id == tenant_id).limit(AT_ONCE)
    while True:
        with box.whole_box("erase an organisation's rows") as uow:
            deleted = count_changed(uow.session.execute(delete(table).where(keys.in_(some))))
        done += deleted
        if deleted < AT_ONCE:
            return done


def _dropped(box: Box, namespace: str) -> str:
    try:
        box.part(VectorIndex).index_drop(namespace)
    except DomainError:
        if not box.settings.knowledge.vectors_url:
            return gettext("not deleted: the model server is away. Without the key the file is noise.")
        return gettext(
            "not deleted yet: what keeps it is away or busy. In PostgreSQL it is rotated by a secret that is gone, and goes within a day "
            "of its answering; a file at the model server is noise without the key."
        )
    return gettext("deleted")


def _remains(box: Box, *, is_scrubbed: bool) -> dict[str, str]:
    """What is still somewhere, and until when."""
    backup, now = box.settings.backup, clock.now()
    told = {"audit": gettext("This certificate, in the record of the box.")}
    if box.database.is_postgresql:
        told["postgresql"] = gettext("Archived write-ahead log and base backups of PostgreSQL hold the wrapped key until you let them go.")
        if name := backup.point_in_time.target:
            told[f"journal {name}"] = gettext("The wrapped key for some minutes: with the next journal all of before is let go of there.")
    for path in sorted(box.settings.home.glob("before-restore-*")):
        told[path.name] = gettext("All it had before that restore, with its key, until you delete this folder.")
    if not is_scrubbed:
        told["database"] = gettext("The wrapped key in files of the database, until they write over it.")
    for name in backup.targets:
        told[f"backup {name}"] = gettext(
            "The wrapped key until the next backup to it. Until about %(rest)s, and for longer if fewer backups follow than planned: what "
            "was sealed, which no key opens, and what is searched and sorted (names, addresses, words of documents), which the box's own "
            "key opens and a restore leaves out.", rest=f"{now + backup.longest_kept:%Y-%m-%d}",
        )  # fmt: skip
    return told
