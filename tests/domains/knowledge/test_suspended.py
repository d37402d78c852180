"""Documents that wait while their organisation is suspended are read once it goes on."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from appliance.core import files, housekeeping
from appliance.domains.identity.manifest import MANIFEST as IDENTITY
from appliance.domains.knowledge import jobs, queries
from appliance.domains.knowledge.manifest import MANIFEST as KNOWLEDGE
from appliance.domains.knowledge.tables import DocumentVersion
from appliance.domains.knowledge.types import DocumentStatus
from tests.suspending import resume, suspend


@pytest.fixture
def manifests():
    return (housekeeping.MANIFEST, files.MANIFEST, IDENTITY, KNOWLEDGE)


@pytest.fixture
def status(box, tenant_id):
    def read(document_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.get_document(uow, document_id).status

    return read


@pytest.fixture
def waiting(box, tenant_id, put, run_deliveries):
    """A document that was uploaded seven hours ago, of an organisation that was suspended right then."""
    document_id = put("politica.md", "# Trocas\n\nEm até 30 dias.\n", run=False)
    suspend(box, tenant_id)
    run_deliveries()
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(DocumentVersion).values(updated_at=uow.now - timedelta(hours=7)))
    return document_id


def test_a_document_that_waited_is_not_given_up_meanwhile(box, waiting, status):
    jobs.fail_stuck_documents(box)
    assert status(waiting) is DocumentStatus.UPLOADED


def test_a_document_that_waited_is_read_when_its_organisation_goes_on(box, tenant_id, waiting, status, run_deliveries):
    resume(box, tenant_id)
    jobs.fail_stuck_documents(box)
    run_deliveries()
    assert status(waiting) is DocumentStatus.PROCESSED


def test_a_document_that_waits_is_shown_among_those_on_their_way(box, tenant_id, waiting):
    with box.unit(tenant_id, read_only=True) as uow:
        assert [version.document_id for version, _ in queries.list_jobs(uow)] == [waiting]
