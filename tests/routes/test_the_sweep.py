"""The sweep itself: it must see a door that leaks."""

from uuid import UUID

import pytest

from appliance.core import web
from appliance.core.manifest import Manifest
from appliance.domains.identity.tables import Membership, Role
from appliance.entrypoints.domains import MANIFESTS
from tests.routes import sweep

leaky = web.Api("leaky")


@leaky.get("/leaky/<uuid:role_id>", permission="roles:read", unit=False)
def read_any_role(call: web.Call, role_id: UUID) -> None:
    with call.box.whole_box("leak") as uow:
        uow.session.get_one(Role, role_id)


@leaky.post("/leaky/<uuid:role_id>", permission="roles:read", unit=False)
def rename_any_role(call: web.Call, role_id: UUID) -> None:
    with call.box.whole_box("leak") as uow:
        uow.session.get_one(Role, role_id).name = "Leaked"


@leaky.get("/leaky", permission="roles:read", returns=list[str], unit=False)
def list_any_member(call: web.Call) -> list[str]:
    with call.box.whole_box("leak") as uow:
        return [str(row.tenant_id) for row in uow.session.query(Membership)]


@leaky.get("/leaky/open", access=web.PUBLIC, unit=False)
def break_down(call: web.Call) -> None:
    raise ZeroDivisionError


@leaky.get("/leaky/forgotten", summary="Asks for no permission", unit=False)
def forgotten(call: web.Call) -> None:
    raise ZeroDivisionError


@leaky.get("/leaky/new/<uuid:unheard_of_id>", permission="roles:read", unit=False)
def new_kind(call: web.Call, unheard_of_id: UUID) -> None:
    return None


@pytest.fixture
def manifests():
    return (*MANIFESTS, Manifest("leaky", apis=(leaky,)))


@pytest.fixture
def world(world):
    """Only the doors that leak: the others are knocked at by test_every_route."""
    world.doors[:] = [door for door in world.doors if door.rule.startswith("/api/v1/leaky")]
    return world


@pytest.mark.only_database("sqlite")
def test_a_leak_through_an_address_is_seen(world):
    world.makers["unheard_of_id"] = lambda uow: uow.tenant_id
    found = list(sweep.with_foreign_address(world))
    assert any(line.startswith("GET /api/v1/leaky/<uuid:role_id>: 204") for line in found)
    assert "POST /api/v1/leaky/<uuid:role_id>: changed something" in found


@pytest.mark.only_database("sqlite")
def test_a_leak_through_a_list_is_seen(world):
    assert any("GET /api/v1/leaky: shows a tenant_id" in line for line in sweep.through_lists(world))


@pytest.mark.only_database("sqlite")
def test_a_breakdown_is_seen_whoever_asks(world):
    assert any("GET /api/v1/leaky/open: 500" in line for line in sweep.as_stranger(world))
    assert any("GET /api/v1/leaky/forgotten" in line for line in sweep.as_role(world, "agent"))


@pytest.mark.only_database("sqlite")
def test_a_new_kind_of_object_asks_for_its_factory(world):
    assert sweep.no_factory(world.doors, world.makers) == {"unheard_of_id": "GET /api/v1/leaky/new/<uuid:unheard_of_id>"}
