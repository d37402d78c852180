import pytest

from tests.routes.world import make_world


@pytest.fixture
def world(box):
    return make_world(box)
