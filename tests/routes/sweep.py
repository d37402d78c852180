"""The sweeps: each knocks on every door and yields what is wrong there."""

from collections.abc import Iterator

from werkzeug.test import TestResponse

from tests import cast as people
from tests.routes import objects
from tests.routes.surface import Door
from tests.routes.world import World

BACK = 302  # a page may answer by going back to where one came from, having changed nothing
BUSY = 503  # something the box depends on is away, said in a sentence


def as_stranger(world: World) -> Iterator[str]:
    stranger = world.app.test_client()
    for door in world.doors:
        answer = world.knock(stranger, door, objects.random_values(door.parameters))
        if door.is_public:
            good = is_whole(answer)
        elif door.is_page:
            good = answer.status_code == BACK and answer.headers["Location"].startswith("/login")
        else:
            good = answer.status_code == 401 and answer.mimetype == "application/problem+json"
        if not good:
            yield f"{door}: {answer.status_code}"


def as_role(world: World, role: str) -> Iterator[str]:
    """What is asked for does not exist, so that whoever may enter finds nothing and whoever may not is told so first."""
    person = people.with_role(world.box, world.cast.ana.tenant_id, role)
    held = world.box.registry.permissions_of(role)
    visit = world.visit(person)
    for door in world.guarded:
        answer = visit.knock(door, objects.random_values(door.parameters))
        may = door.permission is None or door.permission in held
        good = answer.status_code not in {401, 403} and is_whole(answer) if may else answer.status_code == 403
        if not good:
            yield f"{door} ({door.permission}): {answer.status_code}"


def with_foreign_address(world: World) -> Iterator[str]:
    """Carla owns her own organisation, so every permission is hers; what she knocks with are Ana's ids."""
    of_owners = world.box.registry.permissions_of("owner")
    visit = world.visit(world.cast.carla)
    values_of = {door: world.make(door.parameters) for door in world.guarded if door.parameters}
    before = world.belongings(world.cast.ana)
    for door, values in values_of.items():
        answer = visit.knock(door, values, body=world.body_for(door, {}))
        is_nothing = answer.status_code == 404 or (door.is_page and answer.status_code == BACK)
        is_the_operators = answer.status_code == 403 and door.permission not in of_owners
        if not is_nothing and not is_the_operators:
            yield f"{door}: {answer.status_code} {answer.get_data(as_text=True)[:200]}"
    if world.belongings(world.cast.ana) != before:
        yield "something was changed"
        yield from _changing(world, list(values_of))


def _changing(world: World, doors: list[Door]) -> Iterator[str]:
    """Once more and looking after each, which is slow: which doors they were."""
    visit = world.visit(world.cast.carla)
    for door in doors:
        values = world.make(door.parameters)
        before = world.belongings(world.cast.ana)
        visit.knock(door, values, body=world.body_for(door, {}))
        if world.belongings(world.cast.ana) != before:
            yield f"{door}: changed something"


def with_foreign_body(world: World) -> Iterator[str]:
    """Such an id may be refused or kept as it is; it reaches nothing and brings nothing back."""
    ids = world.make(tuple(world.makers))
    before = world.belongings(world.cast.ana)
    visit = world.visit(world.cast.carla)
    for door in world.guarded:
        foreign = {name: value for name, value in ids.items() if door.body and name in door.body.model_fields}
        if door.parameters or not foreign:
            continue
        answer = visit.knock(door, {}, body=world.body_for(door, foreign))
        if not is_whole(answer):
            yield f"{door}: {answer.status_code} with {sorted(foreign)}"
        yield from _shown(door, answer, {name: value for name, value in ids.items() if name not in foreign})
    if world.belongings(world.cast.ana) != before:
        yield "something was changed"


def through_lists(world: World) -> Iterator[str]:
    ids = world.make(tuple(world.makers))
    visit = world.visit(world.cast.carla)
    for door in world.guarded:
        if door.method == "GET" and not door.parameters:
            yield from _shown(door, visit.knock(door, {}, body={}), ids)


def _shown(door: Door, answer: TestResponse, ids: dict[str, object]) -> Iterator[str]:
    text = answer.get_data().decode(errors="replace")  # a list may be a file, such as a zip
    for name, value in ids.items():
        if str(value) in text or getattr(value, "hex", "not shown") in text:
            yield f"{door}: shows a {name} of another tenant"


def as_ana(world: World) -> Iterator[str]:
    visit = world.visit(world.cast.ana)
    for door in world.doors:
        values = objects.random_values(door.parameters) | world.make(door.parameters)
        ids = {name: value for name, value in values.items() if name != "tenant_id"}
        answer = visit.knock(door, values, body=world.body_for(door, ids))
        if not is_whole(answer) or (answer.status_code in {401, 403} and not door.is_public):
            yield f"{door}: {answer.status_code} {answer.get_data(as_text=True)[:200]}"


def with_junk_address(world: World, junk: str) -> Iterator[str]:
    ana = world.enter(world.cast.ana)
    for door in world.guarded:
        if door.parameters:
            body = world.body_for(door, {}) if door.body else None
            answer = world.knock(ana, door, dict.fromkeys(door.parameters, junk), body=body)
            if answer.status_code not in {400, 404, 405, 429}:
                yield f"{door}: {answer.status_code}"


def with_junk_body(world: World, junk: bytes) -> Iterator[str]:
    visit = world.visit(world.cast.ana)
    for door in world.doors:
        if door.is_page or door.body is None:
            continue
        answer = visit.send(door, objects.random_values(door.parameters), data=junk, content_type="application/json")
        if answer.status_code not in {400, 404, 422, 429} or answer.mimetype != "application/problem+json":
            yield f"{door}: {answer.status_code}"


def foreign_session(world: World) -> Iterator[str]:
    """A colleague is as foreign as anybody when it comes to one's sign-ins."""
    values = world.make(("session_id",))
    for door in (door for door in world.guarded if door.parameters == ("session_id",)):
        answer = world.knock(world.enter(world.cast.bruno), door, values)
        if answer.status_code != 404:
            yield f"{door}: {answer.status_code}"


def is_whole(answer: TestResponse) -> bool:
    return answer.status_code < 500 or (answer.status_code == BUSY and answer.mimetype == "application/problem+json")


def no_factory(doors: list[Door], makers: dict[str, objects.Make]) -> dict[str, str]:
    return {name: str(door) for door in doors if not door.is_public for name in door.parameters if name not in makers}
