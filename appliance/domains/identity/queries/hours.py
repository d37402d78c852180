"""When an organisation works: the one calendar that agents and promises go by."""

from zoneinfo import ZoneInfo

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.core.working_hours import ALWAYS, Calendar
from appliance.domains.identity.queries.tenants import find_tenant
from appliance.domains.identity.schemas import HoursIn, spans_of
from appliance.domains.identity.tables import BusinessHours


def get_hours(uow: UnitOfWork) -> HoursIn:
    found = uow.session.scalar(select(BusinessHours))
    return HoursIn.model_validate(found) if found else HoursIn()


def get_zone(uow: UnitOfWork) -> ZoneInfo:
    """The organisation's: where its days begin."""
    tenant = find_tenant(uow, uow.tenant_id)
    return ZoneInfo(tenant.timezone) if tenant else ALWAYS.zone


def get_calendar(uow: UnitOfWork) -> Calendar:
    hours = get_hours(uow)
    return Calendar(get_zone(uow), spans_of(hours.spans), frozenset(one.day for one in hours.days_off), hours.holidays)
