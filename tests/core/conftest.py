import pytest

from appliance.core.manifest import Manifest
from tests.core import ledger


@pytest.fixture
def manifests() -> tuple[Manifest, ...]:
    return (ledger.MANIFEST,)
