"""An organisation as the operator of the box suspends it and opens it again."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from appliance.core.box import Box
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.identity import actions
from appliance.domains.identity.tables import Tenant
from appliance.domains.identity.types import TenantStatus


def suspend(box: Box, tenant_id: UUID) -> None:
    """Most tests have an organisation's key and nothing else of it."""
    with box.whole_box("test") as uow:
        if uow.session.get(Tenant, tenant_id) is None:
            told = {"name": "Solara", "slug": tenant_id.hex, "locale": "en", "timezone": "America/Sao_Paulo", "settings": {}}
            uow.session.add(Tenant(id=tenant_id, **told, created_at=uow.now, updated_at=uow.now))
    _put(box, tenant_id, TenantStatus.SUSPENDED)


def resume(box: Box, tenant_id: UUID) -> None:
    _put(box, tenant_id, TenantStatus.ACTIVE)


def _put(box: Box, tenant_id: UUID, status: TenantStatus) -> None:
    with box.whole_box("test", read_only=True) as uow:
        slug = uow.session.get_one(Tenant, tenant_id).slug
    actions.put_status(box, slug, status)


def let_a_day_pass(box: Box, tenant_id: UUID) -> None:
    """Over what was written, and over the suspension."""
    with box.unit(tenant_id) as uow:
        a_day_ago = uow.now - timedelta(hours=25)
        uow.session.execute(update(Message).values(created_at=a_day_ago, occurred_at=a_day_ago))
        uow.session.execute(update(Conversation).values(last_inbound_at=a_day_ago))
    with box.whole_box("test") as uow:
        own = Tenant.id == tenant_id, Tenant.suspended_at.is_not(None)
        uow.session.execute(update(Tenant).where(*own).values(suspended_at=a_day_ago))
