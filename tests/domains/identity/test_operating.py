"""What the owner of the machine does at its console."""

import json
from functools import partial

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from appliance.core.box import open_box
from appliance.core.errors import Conflict, NotFound, Refused
from appliance.domains.identity import actions, queries
from appliance.domains.identity.errors import LastOwner, NoSuchTenant, WrongCredentials
from appliance.domains.identity.tables import AuditEntry, LoginSession
from appliance.domains.identity.types import Device
from appliance.entrypoints import cli_people, terminal
from appliance.entrypoints.domains import MANIFESTS
from tests import cast as people

VICTIM = "dora@padaria.example"
DEVICE = Device("203.0.113.7", "tests")


@pytest.fixture
def squatter(box, cast):
    """Carla opened an account under an address that is not hers."""
    return people.join(box, cast.carla.tenant_id, "Dora?", VICTIM, "agent")


def test_an_invitation_that_nobody_accepted_keeps_no_address(box, cast):
    with box.unit(cast.carla.tenant_id) as uow:
        actions.invite_as_box(uow, email=VICTIM, role="agent")
    assert people.join(box, cast.ana.tenant_id, "Dora", VICTIM, "rep").role == "rep"


def test_a_released_address_is_its_owners_again(box, cast, squatter):
    signed_in = actions.sign_in(box, email=VICTIM, password=people.PASSWORD, device=DEVICE)
    assert actions.release_address(box, f" {VICTIM.upper()} ") == squatter.user_id
    with pytest.raises(WrongCredentials):
        actions.sign_in(box, email=VICTIM, password=people.PASSWORD, device=DEVICE)
    owner = people.join(box, cast.ana.tenant_id, "Dora", VICTIM, "rep")
    with box.whole_box("test", read_only=True) as uow:
        assert owner.user_id != squatter.user_id
        assert uow.session.get(LoginSession, signed_in.session_id).revoked_because == "address released"
        assert [tenant.id for tenant, _ in queries.seats_of(uow, squatter.user_id)] == []
        assert queries.verify_chain(uow, cast.carla.tenant_id) is None
        lines = uow.session.scalars(select(AuditEntry).where(AuditEntry.object_id == str(squatter.user_id))).all()
    assert {"person.released", "member.removed"} <= {line.action for line in lines}
    assert {line.actor_name for line in lines if line.action == "person.released"} == {"console"}


def test_the_last_owner_and_the_last_operator_keep_their_address(box, cast):
    with pytest.raises(LastOwner):
        actions.release_address(box, cast.carla.email)
    with pytest.raises(Conflict):
        actions.release_address(box, cast.ana.email)
    with pytest.raises(NotFound):
        actions.release_address(box, "nobody@solara.example")
    assert actions.sign_in(box, email=cast.carla.email, password=people.PASSWORD, device=DEVICE).tenant_id == cast.carla.tenant_id


def test_a_password_given_at_the_console_ends_every_session_and_opens_a_locked_account(box, app, cast):
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            actions.sign_in(box, email=cast.bruno.email, password="wrong", device=DEVICE)
    before, *_more = [people.enter(box, app, cast.bruno) for _ in range(210)]
    fresh = actions.reset_password(box, cast.bruno.email)
    assert actions.sign_in(box, email=cast.bruno.email, password=fresh, device=DEVICE).user_id == cast.bruno.user_id
    assert before.get("/api/v1/auth/whoami").status_code == 401
    with box.whole_box("test", read_only=True) as uow:
        assert len(queries.list_sessions(uow, cast.bruno.user_id)) == 1
    with pytest.raises(WrongCredentials):
        actions.sign_in(box, email=cast.bruno.email, password=people.PASSWORD, device=Device("198.51.100.9", "tests"))


def test_the_console_invites_into_an_organisation_that_exists_with_a_role_that_exists(box, cast):
    first = actions.invite_from_console(box, email=VICTIM, slug="solara-energia", role="rep")
    again = actions.invite_from_console(box, email=VICTIM, slug="solara-energia", role="rep")
    with box.unit(cast.ana.tenant_id, read_only=True) as uow:
        assert [found.id for found in queries.list_invitations(uow)] == [again.invitation.id] != [first.invitation.id]
    with pytest.raises(NoSuchTenant):
        actions.invite_from_console(box, email=VICTIM, slug="nowhere", role="rep")
    with pytest.raises(Refused):
        actions.invite_from_console(box, email=VICTIM, slug="solara-energia", role="emperor")


def test_the_list_names_everybody_and_their_places(box, cast):
    with box.whole_box("test", read_only=True) as uow:
        everybody = queries.list_people(uow)
        found = queries.list_people(uow, search="BRUNO")
    assert [(known.email, known.is_operator, known.places) for known in everybody] == [
        ("ana@solara.example", True, [("solara-energia", "owner")]),
        ("bruno@solara.example", False, [("solara-energia", "agent")]),
        ("carla@ventura.example", False, [("ventura-comercio", "owner")]),
    ]
    assert [known.name for known in found] == ["Bruno Leite"]


def test_the_terminal_says_what_was_done_and_what_could_not_be(settings, box, cast, monkeypatch):
    monkeypatch.setattr(terminal, "open_the_box", lambda **_: open_box(settings, MANIFESTS))
    run = partial(CliRunner().invoke, cli_people.people)
    assert [known["email"] for known in json.loads(run(["list", "--json"]).output)][1] == "bruno@solara.example"
    assert "solara-energia (agent)" in run(["list"]).output
    assert "/join/" in run(["invite", VICTIM, "--organisation", "solara-energia"]).output
    told = json.loads(run(["reset-password", cast.bruno.email, "--json"]).output)
    assert actions.sign_in(box, email=cast.bruno.email, password=told["password"], device=DEVICE)
    assert run(["release", cast.bruno.email], input="n\n").exit_code == 1
    assert run(["release", cast.bruno.email, "--yes"]).exit_code == 0
    refused = run(["release", cast.ana.email, "--yes"])
    assert (refused.exit_code, "only one" in refused.output) == (1, True)
