"""The people of every test: Ana owns Solara, Bruno is an agent there, Carla owns another organisation. Made by the real actions."""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from appliance.core.box import Box
from appliance.core.ids import new_id
from appliance.core.uow import Actor, UnitOfWork
from appliance.core.web import Authenticator
from appliance.core.web.auth import CSRF_COOKIE, CSRF_HEADER
from appliance.domains.identity import actions, queries
from appliance.domains.identity.actions.sessions import begin_session
from appliance.domains.identity.api.authentication import BoxAuthenticator
from appliance.domains.identity.tables import User
from appliance.domains.identity.types import SESSION_COOKIE, Device, SessionKind, Setup

PASSWORD = "girafa-violeta-trem-sereno"


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    user_id: UUID
    tenant_id: UUID
    member_id: UUID
    role: str

    @property
    def actor(self) -> Actor:
        return Actor("user", self.user_id, self.name)


@dataclass(frozen=True)
class Cast:
    ana: Person
    bruno: Person
    carla: Person


def make_cast(box: Box) -> Cast:
    """Ana set the box up, so she is its operator too; Carla's tenant was made by her."""
    setup = Setup("ana@solara.example", PASSWORD, "Ana Prado", "Solara Energia")
    tenant = actions.set_up_from_console(box, setup)
    with box.unit(tenant.id, read_only=True) as uow:
        ana = _person(uow, "ana@solara.example")
    bruno = join(box, tenant.id, "Bruno Leite", "bruno@solara.example", "agent")
    with box.whole_box("test", ana.actor) as uow:
        other = actions.create_tenant(uow, name="Ventura Comércio")
    carla = join(box, other.id, "Carla Nunes", "carla@ventura.example", "owner")
    return Cast(ana, bruno, carla)


def join(box: Box, tenant_id: UUID, name: str, email: str, role: str) -> Person:
    """A person who came in by invitation."""
    with box.unit(tenant_id) as uow:
        invited = actions.invite_as_box(uow, email=email, role=role)
    actions.accept_invitation(box, token=invited.token, name=name, password=PASSWORD, device=Device("198.51.100.1", "tests"))
    with box.unit(tenant_id, read_only=True) as uow:
        return _person(uow, email)


def _person(uow: UnitOfWork, email: str) -> Person:
    user = queries.find_user_by_email(uow, email)
    assert user is not None
    member = queries.find_member_of_user(uow, user.id)
    assert member is not None
    return Person(user.name, email, user.id, uow.tenant_id, member.id, member.role)


def sign_in_browser(box: Box, app: Flask, person: Person) -> FlaskClient:
    """A client with the person's session cookie; it sends the CSRF token by itself."""
    signed_in = actions.sign_in(box, email=person.email, password=PASSWORD, device=Device("127.0.0.1", "tests"))
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, signed_in.secret)
    return _with_csrf(box, client, signed_in.session_id)


def sign_in_api(box: Box, app: Flask, person: Person) -> FlaskClient:
    """A client with the person's access token."""
    pair = actions.sign_in_for_tokens(box, email=person.email, password=PASSWORD, device=Device("127.0.0.1", "tests"))
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {pair.access_token}"
    return client


def enter(box: Box, app: Flask, person: Person) -> FlaskClient:
    """As sign_in_browser without the price of a password: for tests about something else."""
    with box.whole_box("test") as uow:
        user = queries.get_user(uow, person.user_id)
        signed_in = begin_session(uow, user, SessionKind.BROWSER, Device("127.0.0.1", "tests"), tenant_id=person.tenant_id)
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, signed_in.secret)
    return _with_csrf(box, client, signed_in.session_id)


def recognise_for_real(box: Box) -> None:
    """Sign-in decides who asks, not the test."""
    box.provide(Authenticator, BoxAuthenticator())


def _with_csrf(box: Box, client: FlaskClient, session_id: UUID) -> FlaskClient:
    client.set_cookie(CSRF_COOKIE, "tests")
    token = hmac.new(box.keys.token_key, f"csrf:tests:{session_id.hex}".encode(), sha256).hexdigest()
    client.environ_base[f"HTTP_{CSRF_HEADER.upper().replace('-', '_')}"] = token
    return client


def with_role(box: Box, tenant_id: UUID, role: str) -> Person:
    """Somebody of the tenant with just this role, made without a password."""
    with box.unit(tenant_id) as uow:
        user = User(id=new_id(), email=f"{role}-{new_id().hex}@solara.example", name=role, password_hash="none", created_at=uow.now)
        uow.session.add(user)
        uow.session.flush()
        membership = actions.add_member(uow, user, role)
        return Person(user.name, user.email, user.id, tenant_id, membership.id, role)
