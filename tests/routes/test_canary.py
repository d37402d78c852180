"""A random word is given to the box at every door. Afterwards it stands in no log, in no job and in no row that is not sealed."""

import io
import json
import logging
import secrets
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text

from appliance.core import memory, telemetry
from appliance.core.errors import Unavailable
from tests.routes import canary

# On PostgreSQL these stand in the clear; docs/security/data-at-rest.md says why. The embedded store is encrypted as a whole.
PEOPLE = {"contacts.name", "contacts.email", "contacts.company", "contacts.region", "contacts.search_text", "contact_identities.value"}
LABELS = {"contact_tags.tag", "contact_segments.name", "contacts.attributes", "contact_imports.file_name"}
DOCUMENTS = {"documents.filename", "knowledge_postings.term"}
STAFF = {"users.name", "users.email", "users.locale", "memberships.region", "invitations.email", "sessions.device", "audit_log.actor_name"}
COMPANY = {"agents.name", "channels.name", "roles.key", "roles.name", "memberships.role", "tenants.name", "tenants.slug", "api_keys.name"}
PROMISED = {"sla_policies.name", "survey_settings.question", "business_hours.days_off"}
INBOX = {"labels.name", "conversations.labels", "macros.name", "quick_replies.shortcut", "teams.name", "message_templates.name", *PROMISED}
LEADS = {"lead_sources.name", "lead_sources.tags", "lead_sources.mapping", "lead_sources.config", "leads.external_id", "leads.utm"}
IN_THE_CLEAR = LEADS | PEOPLE | LABELS | DOCUMENTS | STAFF | COMPANY | INBOX


@pytest.fixture
def word():
    return f"canario{secrets.token_hex(8)}"


@pytest.fixture
def logs(box):
    """Everything that any logger of this process says, at its most talkative."""
    said = io.StringIO()
    telemetry.configure_logs(box.settings.logs.model_copy(update={"level": "debug", "format": "json"}), "test", stream=said)
    logging.getLogger().setLevel(logging.DEBUG)
    yield said
    logging.getLogger().setLevel(logging.WARNING)


@pytest.fixture
def temporary(tmp_path_factory, monkeypatch):
    """A disk of its own for temporary files, of this process's children too; what comes in lies in memory, as it does in a running box."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", memory.parts_folder())
    return folder


def give_everywhere(world, word):
    """In every text field of every door that takes one, and where a person types a password."""
    for door in [door for door in world.doors if door.method in {"POST", "PUT", "PATCH"} and not door.is_page]:
        values = world.make(door.parameters) if door.parameters else {}
        if set(door.parameters) - set(values):
            continue
        body = world.body_for(door, {name: value for name, value in values.items() if name != "tenant_id"})
        texts = {name: word for name, value in body.items() if isinstance(value, str) and name not in values}
        ana = world.enter(world.cast.ana)
        for sent in (body | texts, *({**body, name: word} for name in texts)):
            ana.open(door.path(values), method=door.method, json=sent, headers={"User-Agent": word})
    ana = world.enter(world.cast.ana)
    person = {"name": word, "email": f"{word}@example.com", "attributes": {"note": word}, "tags": [word]}
    document = {"file": (io.BytesIO(f"O código é {word}.".encode()), f"{word}.txt")}
    table = f"nome;telefone\n{word};+55 11 97777-6666\n".encode()
    taken = [
        ana.post("/api/v1/contacts", json=person),
        ana.post("/api/v1/documents/upload", data=document),
        ana.post(f"/api/v1/contacts/import?file_name={word}.csv", data=table, content_type="text/csv"),
    ]
    assert [answer.status_code for answer in taken] == [201, 201, 201]
    note = ana.post(f"/api/v1/contacts/{taken[0].json['id']}/notes", json={"body": word})
    assert note.status_code == 201
    ana.post("/api/v1/auth/login", json={"email": f"{word}@example.com", "password": word})
    ana.get(f"/api/v1/contacts?q={word}")
    ana.get(f"/api/v1/nowhere/{word}")


def test_what_people_gave_stands_in_no_log_in_no_job_in_no_open_column_and_in_no_file(world, word, logs, temporary, run_deliveries):
    give_everywhere(world, word)
    run_deliveries()
    home = world.box.settings.home
    redis = world.box.redis
    dumped = {key: redis.dump(key) for key in redis.scan_iter()}
    assert dumped, "a box that worked left something there"
    assert [path for path in home.rglob("*") if path.is_file()]
    found = {
        "log": [line for line in logs.getvalue().splitlines() if word in line],
        "redis": [key for key, value in dumped.items() if word.encode() in key + (value or b"")],
        "columns": holders(world.box, word) - IN_THE_CLEAR,
        "files": canary.files_holding(word, home, temporary, canary.redis_folder(redis)),
    }
    assert not any(found.values()), found


def test_the_text_of_a_foreign_error_stays_out_of_the_log(word, logs):
    say_that_it_broke(ValueError(word))
    assert word not in logs.getvalue()
    assert "ValueError" in logs.getvalue()
    say_that_it_broke(Unavailable("The model server is away."))
    assert "The model server is away." in logs.getvalue()


def say_that_it_broke(err):
    try:
        raise err
    except type(err):
        logging.getLogger("library").exception("it broke")


def holders(box, word):
    """table.column of every value that holds the word, as it lies in the database."""
    found = set()
    with box.whole_box("test", read_only=True) as uow:
        connection = uow.session.connection()
        for table in _tables(box, connection):
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():
                found |= {f"{table}.{name}" for name, value in row.items() if word in _plain(value)}
    return found


def _tables(box, connection):
    if box.database.is_postgresql:
        return connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    return connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'")).all()


def _plain(value):
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def test_the_page_on_data_at_rest_names_every_column_that_is_not_sealed():
    page = (Path(__file__).parents[2] / "docs" / "security" / "data-at-rest.md").read_text(encoding="utf-8")
    assert [name for name in sorted(IN_THE_CLEAR) if f"`{name}`" not in page] == []
