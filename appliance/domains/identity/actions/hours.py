from collections.abc import Sequence

from sqlalchemy import select

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import insert_if_absent, locked
from appliance.core.uow import UnitOfWork
from appliance.core.working_hours import overlapping
from appliance.domains.identity.actions.recording import record
from appliance.domains.identity.schemas import HoursIn, WorkSpan, spans_of
from appliance.domains.identity.tables import BusinessHours

_NONE = HoursIn().model_dump(mode="json")
_OVERLAPS = _("Hours may not overlap: these begin before the hours before them have ended.")


def set_hours(uow: UnitOfWork, wanted: HoursIn) -> BusinessHours:
    """What was promised to customers already stays as it is. Raises Refused."""
    check_apart(wanted.spans, "spans")
    insert_if_absent(uow, BusinessHours, {"id": new_id(), "tenant_id": uow.tenant_id, **_NONE})
    hours = uow.session.scalars(locked(select(BusinessHours))).one()
    before, after = {name: getattr(hours, name) for name in _NONE}, wanted.model_dump(mode="json")
    if after != before:
        for name, value in after.items():
            setattr(hours, name, value)
        record(uow, "hours.changed", about=("tenant", uow.tenant_id), before=before, after=after)
    return hours


def check_apart(spans: Sequence[WorkSpan], named: str) -> None:
    """Raises Refused for those that open before the one before them has closed; `named`: where they stand in what was sent."""
    wrong = {f"{named}.{place}.opens": _OVERLAPS for place in overlapping(spans_of(spans))}
    if wrong:
        raise Refused(_OVERLAPS, fields=wrong)
