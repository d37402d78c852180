"""A box that knows documents, and a company to fill it with."""

import io
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from appliance.core import files
from appliance.core.box import Box
from appliance.core.manifest import Manifest
from appliance.domains.identity.manifest import MANIFEST as IDENTITY
from appliance.domains.knowledge import actions
from appliance.domains.knowledge.actions import Filing
from appliance.domains.knowledge.manifest import MANIFEST as KNOWLEDGE
from appliance.inference.fake import FakeInference
from appliance.inference.types import Inference, VectorIndex
from tests.inference.pgvectors import server, url  # noqa: F401 - fixtures

COMPANY = Path(__file__).parent / "company_b"
Put = Callable[..., UUID]


@pytest.fixture
def manifests() -> tuple[Manifest, ...]:
    return (files.MANIFEST, IDENTITY, KNOWLEDGE)


@pytest.fixture(autouse=True)
def models(box: Box) -> FakeInference:
    fake = FakeInference()
    box.provide(Inference, fake)
    box.provide(VectorIndex, fake)
    return fake


@pytest.fixture
def put(box: Box, tenant_id: UUID, run_deliveries: Callable[[], int]) -> Put:
    """Upload text (or bytes) and run the pipeline to its end."""

    def upload(name: str, content: str | bytes, *, owner: UUID | None = None, agents: tuple[UUID, ...] = (), run: bool = True) -> UUID:
        body = content.encode() if isinstance(content, str) else content
        filing = Filing(agents=agents) if agents else None
        document_id = actions.upload_document(box, owner or tenant_id, name, io.BytesIO(body), filing=filing)
        if run:
            run_deliveries()
        return document_id

    return upload
