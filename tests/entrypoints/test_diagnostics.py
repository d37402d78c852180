"""The bundle for whoever helps: nothing of anybody is in it, wherever it was planted."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from appliance.core import diagnostics
from appliance.core.box import Box
from appliance.core.machine import Finding, look
from appliance.core.outbox import Delivery, DeliveryState
from appliance.domains.channels.tables import Channel
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ContactFields

pytestmark = pytest.mark.only_database("sqlite")
NAME, MAIL, PHONE, TOKEN = "Zuleica Quirino", "zuleica.quirino@solara.example", "+5511987654321", "sk_live_9fQ2canary7Hh1"
CANARIES = (*NAME.split(), MAIL, PHONE.removeprefix("+"), TOKEN, "quirino", "987654321")
LINES = [
    json.dumps({"event": "delivery_dead", "level": "error", "subscriber": "channels.send_message", "contact": NAME, "to": PHONE,
                "exception": f'  File "/srv/zuleica/appliance/core/jobs.py", line 9, in deliver\n    send("{TOKEN}")\nKeyError: {MAIL}',
                "timestamp": "2026-11-22T10:00:00Z", "error": f"no such person: {NAME}"}),
    f"2026-11-22T10:00:01Z [warning  ] outbound  host=mail.{MAIL} outcome=error purpose=mail to='{NAME}' token={TOKEN}",
    f"WARNING urllib3 {NAME} <{MAIL}> {PHONE}",
    '  File "/srv/zuleica/site-packages/rq/worker.py", line 12, in work',
    f"{NAME}: {TOKEN}",
]  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that somebody wrote names into."""
    (tmp_path / "said").write_text("\n".join(LINES), encoding="utf-8")
    program = tmp_path / "bin/journalctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/said\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.fixture
def planted(box: Box, tenant_id, journal) -> Box:
    """Somebody is in the rows, in what failed, in the settings."""
    with box.unit(tenant_id) as uow:
        contacts.create_contact(uow, ContactFields(name=NAME, email=MAIL, phone=PHONE))
        uow.session.add(
            Channel(kind="webchat", name=NAME, external_id=TOKEN, config={"title": NAME}, secrets={"token": TOKEN}, created_at=uow.now)
        )
        for delivery in uow.session.query(Delivery):
            delivery.state, delivery.last_error = DeliveryState.DEAD, f"{NAME} {MAIL} {PHONE} {TOKEN}"
    plain = box.settings
    box.settings = plain.model_copy(
        update={
            "server": plain.server.model_copy(update={"public_url": f"https://zuleica:{TOKEN}@quirino.example"}),
            "network": plain.network.model_copy(update={"private_hosts": (f"{TOKEN}.example",), "allowed_hosts": (NAME,)}),
            "models": plain.models.model_copy(update={"chat_url": f"https://u:{TOKEN}@x.example", "chat_model": NAME}),
        }
    )
    return box


def read(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_nothing_of_anybody_is_in_the_bundle(planted: Box) -> None:
    wrong = [Finding("data", ok=False, detail=f"/srv/{NAME}"), Finding("certificate", ok=False, detail=MAIL, fix=TOKEN)]
    told = read(diagnostics.bundle(planted.settings, [*look(planted.settings), *wrong], planted))
    assert set(told) == {"about.json", "settings.json", "findings.json", "logs.txt", "queues.json", "metrics.txt"}
    for name, text in told.items():
        assert [canary for canary in CANARIES if canary.lower() in text.lower()] == [], name


def test_what_helps_is_in_the_bundle(planted: Box) -> None:
    told = read(diagnostics.bundle(planted.settings, look(planted.settings), planted))
    assert "timestamp=2026-11-22T10:00:00Z level=error event=delivery_dead subscriber=channels.send_message" in told["logs.txt"]
    assert "appliance/core/jobs.py:9 deliver" in told["logs.txt"]
    assert "level=warning event=outbound outcome=error purpose=mail" in told["logs.txt"]
    assert "[1 lines left out]" in told["logs.txt"]
    shown = json.loads(told["settings.json"])
    assert shown["network"]["mode"] == "sealed"
    assert shown["server"]["public_url"] == "set"
    assert shown["database"]["url"] == "empty"
    about = json.loads(told["about.json"])
    assert about["cores"] >= 1
    assert any(package.lower().startswith("flask==") for package in about["packages"])
    assert "salesedge_deliveries" in told["metrics.txt"]
    assert {"name", "ok", "needed"} <= set(json.loads(told["findings.json"])[0])


def test_a_box_that_does_not_open_is_told_by_its_machine(box: Box, journal) -> None:
    told = read(diagnostics.bundle(box.settings, look(box.settings), None))
    assert set(told) == {"about.json", "settings.json", "findings.json", "logs.txt"}


def test_a_journal_that_cannot_be_read_says_why(journal: None, tmp_path: Path, box: Box) -> None:
    complaint = "No journal files were opened due to insufficient permissions."
    (tmp_path / "bin/journalctl").write_text(f"#!/bin/sh\necho '{complaint}' >&2; exit 1\n")
    assert read(diagnostics.bundle(box.settings, [], None))["logs.txt"] == f"[no journal: {complaint}]\n"
