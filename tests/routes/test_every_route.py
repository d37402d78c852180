"""Every address and everybody. A route that is added is met here by itself."""

import pytest

from appliance.domains.identity.types import BUILT_IN_ROLES
from tests.routes import surface, sweep


def test_every_address_is_declared(world):
    assert surface.undeclared(world.app, world.doors) == []
    assert len(world.doors) > 60  # a sweep over nothing would always pass


def test_every_name_in_an_address_has_a_factory(world):
    assert sweep.no_factory(world.doors, world.makers) == {}, "add it to PATH_PARAMETERS in tests/factories/<domain>.py"


def test_every_permission_that_is_asked_for_is_one_that_somebody_has(world):
    known = world.box.registry.all_permissions()
    assert [str(door) for door in world.doors if door.permission and door.permission not in known] == []
    holders = {name: roles for manifest in world.box.registry.manifests for name, roles in manifest.permissions.items()}
    assert [name for name, roles in holders.items() if not roles or set(roles) - {*BUILT_IN_ROLES, "operator"}] == []


# Who may enter and what is no body is decided before the database is asked: one kind of it tells as much as two.
@pytest.mark.only_database("sqlite")
def test_a_stranger_is_sent_away_from_every_door_that_is_not_public(world):
    check(sweep.as_stranger(world))


@pytest.mark.only_database("sqlite")
@pytest.mark.parametrize("role", BUILT_IN_ROLES)
def test_each_role_opens_the_doors_of_its_permissions_and_no_other(world, role):
    check(sweep.as_role(world, role))


def test_nothing_of_another_tenant_is_found_or_changed(world):
    check(sweep.with_foreign_address(world))


def test_an_id_of_another_tenant_in_a_body_does_nothing(world):
    check(sweep.with_foreign_body(world))


def test_no_list_shows_anything_of_another_tenant(world):
    check(sweep.through_lists(world))


def test_a_colleague_does_not_end_ones_sessions(world):
    check(sweep.foreign_session(world))


def test_ana_opens_everything_of_hers_and_nothing_breaks(world):
    check(sweep.as_ana(world))


@pytest.mark.only_database("postgresql")  # the stricter one: it takes no NUL
@pytest.mark.parametrize("junk", ["not-an-id", "%00", "..%2f..%2fetc", "0" * 3000])
def test_junk_in_an_address_is_not_found(world, junk):
    check(sweep.with_junk_address(world, junk))


@pytest.mark.only_database("postgresql")
@pytest.mark.parametrize("junk", [b"{", b"[]", b"null", b'"text"', b"1", b'{"a": "\\u0000"}', b"\xff\xfe", b"[" * 5000])
def test_a_body_that_is_no_body_is_refused_with_a_sentence(world, junk):
    check(sweep.with_junk_body(world, junk))


def check(wrong):
    found = list(wrong)
    assert not found, "\n".join(found)
