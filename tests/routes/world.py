"""Ana's tenant with one of everything, and the whole application in front of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Table, select
from werkzeug.test import TestResponse

from appliance.core import db
from appliance.core.box import Box
from appliance.core.web import create_app
from appliance.domains.identity.tables import LoginSession, Tenant, User
from tests import cast as people
from tests.routes import objects, surface
from webui import shell


@dataclass(frozen=True)
class World:
    box: Box
    app: Flask
    cast: people.Cast
    doors: list[surface.Door]
    makers: dict[str, objects.Make]
    bodies: dict[str, dict[str, Any]]

    @property
    def guarded(self) -> list[surface.Door]:
        return [door for door in self.doors if not door.is_public]

    def make(self, names: tuple[str, ...]) -> dict[str, object]:
        """A fresh object of Ana's for each name that has a factory."""
        with self.box.unit(self.cast.ana.tenant_id, self.cast.ana.actor) as uow:
            return {name: self.makers[name](uow) for name in names if name in self.makers}

    def knock(
        self, client: FlaskClient, door: surface.Door, values: dict[str, object], *, body: dict[str, Any] | None = None
    ) -> TestResponse:
        sent: dict[str, Any] = {"data": body or {}} if door.is_page else {"json": body or {}}
        if door.method == "GET":
            sent = {"query_string": objects.body_of(door.query.model_json_schema(), {}) if door.query and body is not None else {}}
        headers = {"Accept": "text/html" if door.is_page else "application/json"}
        return client.open(door.path(values), method=door.method, headers=headers, **sent)

    def body_for(self, door: surface.Door, ids: dict[str, object]) -> dict[str, Any]:
        """One the door takes, with the ids of Ana's objects where it asks for some."""
        if door.body is None:
            return self.bodies.get(str(door), {})
        made = objects.body_of(door.body.model_json_schema(), ids)
        return made | self.bodies.get(str(door), {})

    def enter(self, person: people.Person) -> FlaskClient:
        return people.enter(self.box, self.app, person)

    def visit(self, person: people.Person) -> "Visit":
        return Visit(self, person)

    def belongings(self, person: people.Person) -> dict[str, list[str]]:
        """Every row of the person's tenant, and the person's own."""
        wanted = {table: table.c.tenant_id == person.tenant_id for table in db.tenant_tables(db.Rows.metadata)}
        wanted[_table(Tenant)] = Tenant.id == person.tenant_id
        wanted[_table(User)] = User.id == person.user_id
        wanted[_table(LoginSession)] = LoginSession.user_id == person.user_id
        with self.box.whole_box("test", read_only=True) as uow:
            rows = {table: uow.session.execute(select(table).where(where)) for table, where in wanted.items()}
            return {table.name: sorted(repr(tuple(row)) for row in found) for table, found in rows.items()}


class Visit:
    """One person at many doors. Behind a door that ended the session they sign in again and knock once more."""

    def __init__(self, world: World, person: people.Person) -> None:
        self._world, self._person = world, person
        self._client = world.enter(person)

    def knock(self, door: surface.Door, values: dict[str, object], *, body: dict[str, Any] | None = None) -> TestResponse:
        return self._signed_in(lambda client: self._world.knock(client, door, values, body=body))

    def send(self, door: surface.Door, values: dict[str, object], **given: Any) -> TestResponse:
        """Whatever it is, as it is."""
        return self._signed_in(lambda client: client.open(door.path(values), method=door.method, **given))

    def _signed_in(self, ask: Callable[[FlaskClient], TestResponse]) -> TestResponse:
        answer = ask(self._client)
        if answer.status_code == 401 or answer.headers.get("Location", "").startswith("/login"):
            self._client = self._world.enter(self._person)
            answer = ask(self._client)
        return answer


def _table(mapped: type[db.Base]) -> Table:
    table = mapped.__table__
    assert isinstance(table, Table)
    return table


def make_world(box: Box) -> World:
    people.recognise_for_real(box)
    return World(
        box=box,
        app=create_app(box, register=shell.register, error_page=shell.error_page),
        cast=people.make_cast(box),
        doors=surface.doors(box),
        makers=objects.registered("PATH_PARAMETERS"),
        bodies=objects.registered("BODIES"),
    )
