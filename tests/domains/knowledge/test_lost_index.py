"""The index of the real model server is lost with its process; the stored vectors make it again without embedding anything."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import update

from appliance.core.box import Box
from appliance.domains.knowledge import actions, jobs, queries
from appliance.domains.knowledge.tables import Corpus
from appliance.inference import engines, http, wire
from appliance.inference.types import Inference, VectorIndex
from tests.domains.knowledge.conftest import Put
from tests.modelserver.running import Running

RULES = "# Trocas\n\nA troca de produto sem defeito é aceita em até 30 dias corridos.\n\n# Frete\n\nO frete para Itu custa R$ 31,50.\n"
ASKED = ("em quantos dias posso trocar um produto sem defeito?", "quanto custa o frete para itu?")
SOUND = 1e-3
MARGIN = 16  # tokens: the rebuild asks the embedder once whether it is there, and a question is embedded

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("vectors")).start()
    yield running
    running.kill()


@pytest.fixture
def inference(box: Box, running: Running) -> Iterator[http.HttpInference]:
    server = wire.ModelServer(running.socket, timeout_s=30)
    found = http.HttpInference(box.settings.models, server, engines.NoEngine())
    box.provide(Inference, found)
    box.provide(VectorIndex, found)
    yield found
    server.close()


def _weigh_vectors(box: Box, tenant_id: UUID) -> None:
    """Calibration gives an English embedder no say in Portuguese; here it has one."""
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Corpus).values(dense_weights={"pt": 0.5}, version=Corpus.version + 1))


def _tokens_read(running: Running) -> float:
    with running.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("modelserver_tokens_total{"))


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _scribble(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    file.write_bytes(bytes(whole))


@pytest.mark.parametrize("harm", [Path.unlink, _truncate, _scribble], ids=["deleted", "truncated", "scribbled"])
def test_a_killed_server_with_a_harmed_index_answers_and_gets_its_vectors_back(
    box: Box, tenant_id: UUID, put: Put, running: Running, inference: http.HttpInference, run_deliveries: Callable[[], int],
    harm: Callable[[Path], None],
) -> None:
    put("politica.md", RULES)
    _weigh_vectors(box, tenant_id)
    space = queries.vector_namespace(tenant_id)
    before = inference.index_search(space, text=ASKED[0], k=5)
    assert inference.index_stats(space).count > 0
    running.kill()
    files = [file for file in running.indexes.rglob("*") if file.is_file() and file.stat().st_size > 0]
    assert files
    for file in files:
        harm(file)
    assert "30 dias" in actions.answer_question(box, tenant_id, ASKED[0]).text, "while the server is down"
    running.start()
    assert "31,50" in actions.answer_question(box, tenant_id, ASKED[1]).text, "while the index is lost"
    read = _tokens_read(running)
    run_deliveries()
    jobs.check_vectors(box)
    run_deliveries()
    assert queries.vectors_are_sound(box, tenant_id)
    after = inference.index_search(space, text=ASKED[0], k=5)
    assert [hit.id for hit in after.hits] == [hit.id for hit in before.hits]
    assert np.allclose([hit.score for hit in after.hits], [hit.score for hit in before.hits], atol=SOUND)
    assert _tokens_read(running) - read <= MARGIN, "nothing was embedded again"
    _weigh_vectors(box, tenant_id)
    assert queries.retrieve(box, tenant_id, ASKED[0]).dense, "vectors search again"


def test_a_server_killed_between_two_questions_is_not_noticed_by_the_second(
    box: Box, tenant_id: UUID, put: Put, running: Running, inference: http.HttpInference,
) -> None:
    put("politica.md", RULES)
    space = queries.vector_namespace(tenant_id)
    count = inference.index_stats(space).count
    running.kill()
    running.start()
    assert inference.index_stats(space).count == count, "a change that was answered was on the disk"
    assert "31,50" in actions.answer_question(box, tenant_id, ASKED[1]).text
