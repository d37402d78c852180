"""Two contacts that may be one person: suggested by the box, decided by people."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select

from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import insert_absent
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.actions.merging import merge_contacts
from appliance.domains.contacts.errors import AlreadyDecided, MergeRefused
from appliance.domains.contacts.events import DuplicateDecided, DuplicatesWanted
from appliance.domains.contacts.queries.duplicates import lock_duplicate
from appliance.domains.contacts.rules.duplicates import Pair
from appliance.domains.contacts.tables import ContactDuplicate, ContactMerge
from appliance.domains.contacts.types import DuplicateState

MOST_OPEN = 5000  # nobody looks through more; what is decided makes room


def want_duplicates(uow: UnitOfWork) -> None:
    uow.emit(DuplicatesWanted())


def suggest(uow: UnitOfWork, pairs: Collection[Pair]) -> int:
    """A pair that was suggested before, decided or not, stays as it is. Returns how many are new."""
    if not pairs:
        return 0
    before = _count(uow)
    found = list(dict.fromkeys(pairs))[: max(0, MOST_OPEN - before)]
    same = {"tenant_id": uow.tenant_id, "state": DuplicateState.OPEN, "found_at": uow.now, "decided_by": ""}
    if found:
        insert_absent(uow, ContactDuplicate, [{**same, **vars(pair), "id": new_id()} for pair in found])
    return _count(uow) - before


def _count(uow: UnitOfWork) -> int:
    still_open = select(func.count(ContactDuplicate.id)).where(ContactDuplicate.state == DuplicateState.OPEN)
    return uow.session.scalar(still_open) or 0


def merge_duplicate(uow: UnitOfWork, duplicate_id: UUID, kept_id: UUID) -> ContactMerge:
    """Raises DuplicateNotFound, AlreadyDecided, MergeRefused for one to keep who is neither."""
    found = _open(uow, duplicate_id)
    both = {found.first_id, found.second_id}
    if kept_id not in both:
        raise MergeRefused(_("Keep one of the two."))
    [gone_id] = both - {kept_id}
    merge = merge_contacts(uow, kept_id, gone_id)
    uow.emit(DuplicateDecided(found.id))
    return merge


def dismiss_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> ContactDuplicate:
    """They are two people. Raises DuplicateNotFound, AlreadyDecided."""
    found = _open(uow, duplicate_id)
    found.state, found.decided_at, found.decided_by = DuplicateState.DISMISSED, uow.now, uow.actor.name[:200]
    uow.emit(DuplicateDecided(found.id))
    return found


def reopen_duplicate(uow: UnitOfWork, duplicate_id: UUID) -> ContactDuplicate:
    """Take a “two people” back. Raises DuplicateNotFound, AlreadyDecided for a merge: that is undone."""
    found = lock_duplicate(uow, duplicate_id)
    if found.state is DuplicateState.MERGED:
        raise AlreadyDecided
    found.state, found.decided_at, found.decided_by = DuplicateState.OPEN, None, ""
    uow.emit(DuplicateDecided(found.id))
    return found


def _open(uow: UnitOfWork, duplicate_id: UUID) -> ContactDuplicate:
    found = lock_duplicate(uow, duplicate_id)
    if found.state is not DuplicateState.OPEN:
        raise AlreadyDecided
    return found
