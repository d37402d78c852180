import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from appliance.entrypoints.webhooks import Webhooks


@pytest.fixture
def door(box):
    """The addresses that others call, as the process that holds the sockets answers them."""
    webhooks = Webhooks(box, then=Starlette())
    with TestClient(webhooks) as door:
        yield door
    webhooks.close()
