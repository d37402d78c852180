"""Going back to a time, on the page of backups: how far, and what is wrong with it."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from appliance.core import clock
from appliance.core.ids import new_id
from appliance.core.storage import BackupTarget
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import RunKind, RunState
from tests.webui.looking import look

pytestmark = [pytest.mark.only_database("postgresql"), pytest.mark.browser]


@pytest.fixture
def archived(box):
    past = box.settings.backup.point_in_time.model_copy(update={"target": "nas"})
    chosen = {"targets": {"nas": BackupTarget(repository="/mnt/nas/salesedge")}, "point_in_time": past}
    box.settings = box.settings.model_copy(update={"backup": box.settings.backup.model_copy(update=chosen)})


def keep(box, state, ago, *, error=None, **told):
    at = clock.now() - ago
    with box.whole_box("test") as uow:
        uow.session.add(BackupRun(id=new_id(), kind=RunKind.ARCHIVE, target="nas", state=state, asked_at=at, started_at=at, ended_at=at,
                                  error=error, receipt=told or None))  # fmt: skip


def test_page_says_how_far_back_and_what_is_wrong(box, ana, new_context, archived):
    page = new_context(ana).new_page()
    page.goto("/admin/backups")
    section = page.get_by_role("region", name="Voltar a um momento")
    expect(section.get_by_text("nenhum ainda")).to_have_count(2)
    expect(section.get_by_text("Antigo demais")).to_be_visible()
    now = clock.now()
    times = {"since": (now - timedelta(days=3)).timestamp(), "reaches": (now - timedelta(minutes=6)).timestamp(), "gap": None}
    keep(box, RunState.DONE, timedelta(minutes=6), **times)
    page.reload()
    expect(section.get_by_text("Em ordem")).to_be_visible()
    look(page, "past")
    keep(box, RunState.FAILED, timedelta(minutes=1), error="Não há espaço.")
    page.reload()
    expect(section.get_by_text("Não há espaço.")).to_be_visible()
    keep(box, RunState.DONE, timedelta(), **times | {"gap": (now - timedelta(days=1)).isoformat()})
    page.reload()
    expect(section.get_by_text("Lacuna")).to_be_visible()
    look(page, "past-gap")
