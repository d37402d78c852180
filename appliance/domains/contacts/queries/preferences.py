import hmac

from sqlalchemy import select

from appliance.core import crypto
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.tables import ContactSettings


def get_settings(uow: UnitOfWork) -> ContactSettings:
    """The organisation's own, or the defaults."""
    kept = uow.session.scalar(select(ContactSettings))
    return kept or ContactSettings(tenant_id=uow.tenant_id, default_region="BR", opt_out_words=[])


def document_index(uow: UnitOfWork, document: str) -> bytes:
    """Blind index: finds a sealed document by equality; worthless without the tenant's key."""
    key = crypto.derive(uow.box.keys.tenant_key(uow.tenant_id), "contacts/document")
    return hmac.digest(key, document.encode(), "sha256")
