import pytest

from appliance.core.manifest import Manifest
from appliance.domains.contacts.manifest import MANIFEST as CONTACTS
from appliance.domains.identity.manifest import MANIFEST as IDENTITY
from appliance.domains.leads.manifest import MANIFEST


@pytest.fixture
def manifests() -> tuple[Manifest, ...]:
    return (IDENTITY, CONTACTS, MANIFEST)


@pytest.fixture
def uow(box, tenant_id):
    with box.unit(tenant_id) as uow:
        yield uow
