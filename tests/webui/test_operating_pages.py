"""Box health and background work, as whoever runs the box reads them."""

import io
import re
import zipfile

import pytest
from sqlalchemy import select

from appliance.core.outbox import Delivery, DeliveryState
from appliance.domains.identity.tables import AuditEntry
from appliance.inference.fake import FakeInference
from appliance.inference.types import ChatHost, Inference, VectorIndex, VectorStore
from tests.factories.core import make_dead_delivery

PORTUGUESE = {"Accept": "text/html", "Accept-Language": "pt-BR"}


def read(app, address):
    return app.test_client().get(address, headers=PORTUGUESE).get_data(as_text=True)


def test_the_operator_sees_the_machine_and_what_to_do_about_it(app):
    page = read(app, "/admin/health")
    assert "Esta máquina" in page
    assert "Banco de dados: versão e papéis" in page
    assert "Área de troca (swap)" in page
    assert "Ligue appendonly no Redis" in page, "the tests' own keeps nothing"
    assert "/admin/health/diagnostics" in page


def test_who_does_not_run_the_box_sees_its_parts_alone(app, somebody):
    somebody.may("health:read")
    page = read(app, "/admin/health")
    assert "Banco de dados" in page
    assert "Esta máquina" not in page
    assert "/admin/health/diagnostics" not in page
    assert app.test_client().get("/admin/health/diagnostics").status_code == 403


class Kept(FakeInference):
    """Vectors lie in a database elsewhere."""

    def __init__(self, reason):
        super().__init__()
        self._reason = reason

    def index_store(self):
        return VectorStore("pgvector 0.8.5", self._reason)


@pytest.mark.parametrize(
    ("reason", "said"),
    [("", ("pgvector 0.8.5", "Em ordem")), ("It is away", ("It is away. Confira knowledge.vectors_url", "Precisa de atenção"))],
    ids=["well", "away"],
)
def test_the_database_of_the_vectors_has_a_line(app, box, reason, said):
    box.provide(VectorIndex, Kept(reason))
    page = read(app, "/admin/health")
    line = page.split(">Vetores<", 1)[1].split("</li>", 1)[0]
    assert [one for one in said if one not in line] == [], line
    order = re.findall("Precisa de atenção|Conselho|Em ordem", page.split('id="parts"', 1)[1].split("</section>", 1)[0])
    assert order == sorted(order, key=["Precisa de atenção", "Conselho", "Em ordem"].index)


class Elsewhere(FakeInference):
    """Whoever writes is on other machines."""

    def __init__(self, *hosts):
        super().__init__()
        self._hosts = list(hosts)

    def chat_hosts(self):
        return self._hosts


WELL, AWAY = ChatHost("gpu1:11434"), ChatHost("gpu2:11434", "gpu2 is switched off.")


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ([WELL], ("1 de 1 no ar", "Em ordem")),
        ([WELL, AWAY], ("1 de 2 no ar", "gpu2:11434: gpu2 is switched off. Ligue", "models.chat_url", "Conselho")),
        ([AWAY], ("0 de 1 no ar", "gpu2:11434: gpu2 is switched off. Ligue", "Conselho")),
    ],
    ids=["well", "one away", "all away"],
)
def test_the_host_of_a_language_model_that_is_away_is_named_as_advice(app, box, hosts, said):
    box.provide(Inference, Elsewhere(*hosts))
    line = read(app, "/admin/health").split(">Modelo de linguagem<", 1)[1].split("</li>", 1)[0]
    assert [one for one in said if one not in line] == [], line


def test_people_of_an_organisation_are_not_told_of_the_machines(app, box, somebody):
    box.provide(Inference, Elsewhere(WELL, AWAY))
    somebody.may("health:read")
    page = read(app, "/admin/health")
    assert "1 de 2 no ar" in page
    assert "Avise quem cuida do SalesEdge." in page
    assert "O que fazer está ao lado." not in page
    assert [one for one in ("gpu1", "gpu2", "models.chat_url") if one in page] == []


def test_diagnostics_come_as_one_file(app):
    answer = app.test_client().get("/admin/health/diagnostics")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=salesedge-diagnostics-")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert {"about.json", "settings.json", "findings.json", "logs.txt", "queues.json", "metrics.txt"} == set(archive.namelist())


@pytest.fixture
def dead(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return make_dead_delivery(uow)


def state_of(box, tenant_id, delivery_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return uow.session.get_one(Delivery, delivery_id).state


def press(app, address):
    client = app.test_client()
    page = client.get("/admin/jobs", headers=PORTUGUESE).get_data(as_text=True)
    token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    return client.post(address, data={"csrf_token": token}, headers=PORTUGUESE)


def test_a_dead_letter_is_let_go_and_no_longer_stands_in_the_way(app, box, tenant_id, dead):
    assert "Descartar" in read(app, "/admin/jobs")
    assert press(app, f"/admin/jobs/{dead}/discard").status_code == 302
    assert state_of(box, tenant_id, dead) is DeliveryState.DONE
    with box.unit(tenant_id, read_only=True) as uow:
        line = uow.session.scalars(select(AuditEntry).where(AuditEntry.action == "delivery.discarded")).one()
        assert line.object_id == str(dead)
    assert "Nenhuma tarefa falhou de vez" in read(app, "/admin/jobs")


def test_what_is_not_dead_cannot_be_let_go(app, box, tenant_id, dead):
    address = f"/admin/jobs/{dead}/replay"
    press(app, address)
    with box.unit(tenant_id) as uow:
        make_dead_delivery(uow)
    press(app, f"/admin/jobs/{dead}/discard")
    assert state_of(box, tenant_id, dead) is not DeliveryState.DONE


def test_who_may_only_look_finds_no_buttons(app, somebody, dead):
    somebody.may("jobs:read")
    page = read(app, "/admin/jobs")
    assert "Descartar" not in page
    assert app.test_client().post(f"/admin/jobs/{dead}/discard").status_code in {400, 403}
