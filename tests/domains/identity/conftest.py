import pytest

from appliance.core.web import create_app
from appliance.domains.identity import actions
from tests import cast as people


@pytest.fixture
def cast(box):
    return people.make_cast(box)


@pytest.fixture
def ana(cast):
    return cast.ana


@pytest.fixture
def bruno(cast):
    return cast.bruno


@pytest.fixture
def carla(cast):
    return cast.carla


@pytest.fixture
def app(box):
    people.recognise_for_real(box)
    return create_app(box)


@pytest.fixture
def as_ana(box, app, ana):
    return people.enter(box, app, ana)


@pytest.fixture
def as_bruno(box, app, bruno):
    return people.enter(box, app, bruno)


@pytest.fixture
def as_carla(box, app, carla):
    return people.enter(box, app, carla)


@pytest.fixture
def owner(box):
    return actions.Granter("owner", box.registry.all_permissions())


@pytest.fixture
def home(ana):
    return f"/api/v1/tenants/{ana.tenant_id}"
