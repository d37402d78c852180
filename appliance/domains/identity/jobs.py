"""Timed work: writing down who was seen, forgetting what is over, verifying the record."""

from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from appliance.core.box import Box
from appliance.core.i18n import gettext as _
from appliance.core.manifest import CheckResult
from appliance.domains.identity import actions, queries
from appliance.domains.identity.types import SEEN, AuditFault

_BATCH, LOOKS = 500, 3


def note_seen(box: Box) -> None:
    while popped := cast("list[tuple[bytes, float]]", box.redis.zpopmin(SEEN, _BATCH)):
        moments = {UUID(hex=member.decode()): datetime.fromtimestamp(score, UTC) for member, score in popped}
        with box.whole_box("last seen") as uow:
            actions.note_seen(uow, moments)


def forget_old(box: Box) -> None:
    with box.whole_box("forget old sign-ins") as uow:
        actions.forget_old_attempts(uow)
        actions.forget_old_sessions(uow)


def verify_audit(box: Box) -> list[AuditFault]:
    """The first fault of each chain that does not hold."""
    with box.whole_box("verify audit", read_only=True) as uow:
        chains = queries.list_chains(uow)
    return [fault for fault in (_verified(box, tenant_id) for tenant_id in chains) if fault is not None]


def _verified(box: Box, tenant_id: UUID) -> AuditFault | None:
    """A line that is written while the chain is read looks like a fault: one is a fault when it still is."""
    for _look in range(LOOKS):
        with box.whole_box("verify audit", read_only=True) as uow:
            fault = queries.verify_chain(uow, tenant_id)
        if fault is None:
            break
    return fault


def check_audit(box: Box) -> CheckResult:
    faults = verify_audit(box)
    if not faults:
        return CheckResult(ok=True, detail="every chain holds")
    first = faults[0]
    where = {"tenant": first.tenant_id, "line": first.seq, "reason": first.reason}
    detail = _("%(count)s broken; first: organisation %(tenant)s, line %(line)s (%(reason)s)", count=len(faults), **where)
    return CheckResult(ok=False, detail=detail, fix="The record was changed outside the product. Keep a copy of it and investigate.")
