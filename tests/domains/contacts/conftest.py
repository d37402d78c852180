import pytest

from appliance.core import files
from appliance.core.manifest import Manifest
from appliance.domains.contacts.manifest import MANIFEST


@pytest.fixture
def manifests() -> tuple[Manifest, ...]:
    return (MANIFEST, files.MANIFEST)


@pytest.fixture
def uow(box, tenant_id):
    with box.unit(tenant_id) as uow:
        yield uow
