"""Backups: what is set up, what ran, run one now; for the box's operator only."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from playwright.sync_api import expect

from appliance.core import clock
from appliance.core.ids import new_id
from appliance.core.storage import BackupTarget
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import RunKind, RunState
from tests.cast import enter, make_cast, recognise_for_real
from tests.webui.axe import violations

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def cast(box, app):
    recognise_for_real(box)
    return make_cast(box)


@pytest.fixture
def client_of_operator(box, app, cast):
    return enter(box, app, cast.ana)


def name_target(box):
    chosen = box.settings.backup.model_copy(update={"targets": {"usb": BackupTarget(repository="/mnt/usb/salesedge")}})
    box.settings = box.settings.model_copy(update={"backup": chosen})


def keep_runs(box):
    now = clock.now()
    with box.whole_box("test") as uow:
        uow.session.add_all([
            BackupRun(id=new_id(), kind=RunKind.BACKUP, target="usb", state=RunState.DONE, asked_at=now - timedelta(days=3),
                      started_at=now - timedelta(days=3), ended_at=now - timedelta(days=3) + timedelta(seconds=41),
                      bytes_processed=9_400_000, bytes_added=120_000, row_count=1200, file_count=14,
                      receipt={"generations": {new_id().hex: 1}}),  # of an organisation that is no more
            BackupRun(id=new_id(), kind=RunKind.DRILL, target="usb", state=RunState.DONE, asked_at=now - timedelta(days=2),
                      started_at=now - timedelta(days=2), ended_at=now - timedelta(days=2), row_count=1200, file_count=14,
                      receipt={"result": "passed", "restore_seconds": 12.5}),
            BackupRun(id=new_id(), kind=RunKind.BACKUP, target="usb", state=RunState.RUNNING, asked_at=now - timedelta(hours=1),
                      started_at=now - timedelta(hours=1), lease_until=now - timedelta(minutes=59)),
        ])  # fmt: skip


def test_page_says_how_to_begin_when_no_target_is_named(client_of_operator):
    page = client_of_operator.get("/admin/backups").text
    assert "Ainda não há backup de nada" in page


def test_run_now_is_asked_for_once(box, client_of_operator):
    name_target(box)
    for _ in range(2):
        answer = client_of_operator.post("/admin/backups", data={"target": "usb", "kind": "backup"})
        assert answer.status_code == HTTPStatus.FOUND
    assert client_of_operator.post("/admin/backups", data={"target": "nas", "kind": "backup"}).status_code == HTTPStatus.NOT_FOUND
    with box.whole_box("test", read_only=True) as uow:
        assert [run.state for run in uow.session.query(BackupRun)] == [RunState.WAITING]
    assert any("cron-ops-run_due" in str(key) for key in box.redis.keys("rq:job:*"))


def test_page_shows_what_ran_and_hands_out_receipts(box, client_of_operator):
    name_target(box)
    keep_runs(box)
    page = client_of_operator.get("/admin/backups").text
    assert "Interrompido" in page
    assert "Antigo demais" in page
    assert "uma organização foi apagada depois e fica de fora" in page
    link = page.split('/receipt"', maxsplit=1)[0].rsplit('href="', 1)[1] + "/receipt"
    assert client_of_operator.get(link).json["result"] == "passed"


def test_owner_who_does_not_operate_the_box_sees_no_backups(box, app, cast):
    assert enter(box, app, cast.carla).get("/admin/backups").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible_on_a_phone(box, ana, new_context, scheme):
    name_target(box)
    keep_runs(box)
    page = new_context(ana, viewport={"width": 390, "height": 844}, color_scheme=scheme).new_page()
    page.goto("/admin/backups")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_role("heading", name="usb")).to_be_visible()
    assert violations(page) == []
