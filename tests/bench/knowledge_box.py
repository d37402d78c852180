"""A throw-away box with the knowledge domain, a tenant, and either the models of a folder or none."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from appliance.core import crypto, db, telemetry
from appliance.core.box import Box, open_box
from appliance.core.config import Settings
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.manifest import Manifest
from appliance.core.tenancy import TenantKey
from appliance.domains.knowledge import actions
from appliance.domains.knowledge.manifest import MANIFEST
from appliance.domains.knowledge.types import Extraction
from appliance.inference.errors import NoModel
from appliance.inference.fake import FakeInference
from appliance.inference.http import HttpInference
from appliance.inference.types import Inference, Purpose, Tokens, VectorIndex, Vectors
from tests.draining import run_due

READ = Extraction(None, None, None, "", (), ())  # of documents that are made without a file


class NoModels(FakeInference):
    """A box on which no model is installed."""

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage", model: str = "") -> Vectors:
        raise NoModel(_("No embedding model is installed."))

    def count_tokens(self, texts: Sequence[str], *, offsets: bool = False) -> list[Tokens]:
        raise NoModel(_("No embedding model is installed."))


@dataclass
class KnowledgeBox:
    box: Box
    tenant_id: UUID

    def put(self, name: str, content: bytes) -> None:
        actions.upload_document(self.box, self.tenant_id, name, io.BytesIO(content))

    def work(self) -> None:
        run_due(self.box)


@contextmanager
def knowledge_box(
    inference: HttpInference | None = None, *, kept: Path | None = None, manifests: Sequence[Manifest] = (MANIFEST,), url: str = ""
) -> Iterator[KnowledgeBox]:
    """In a temporary folder, or in `kept`, where an earlier run may have left one. At `url` there are tables already."""
    with nullcontext(str(kept)) if kept else tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        key, named = home / "master.key", home / "tenant"
        if not key.exists():
            crypto.create_master_key(key)
        plain = Settings(home=home)
        settings = plain.model_copy(
            update={"keys": plain.keys.model_copy(update={"master_key_file": key}), "database": plain.database.model_copy(update={"url": url})}
        )
        telemetry.configure_logs(settings.logs.model_copy(update={"level": "error"}), "bench")
        box = open_box(settings, tuple(manifests))
        models = inference or NoModels()
        box.provide(Inference, models)
        box.provide(VectorIndex, models)
        if not named.exists():
            if not url:
                db.Rows.metadata.create_all(box.database.engine)
            named.write_text(str(_new_tenant(box)))
        yield KnowledgeBox(box, UUID(named.read_text()))
        box.close()


def _new_tenant(box: Box) -> UUID:
    tenant_id = new_id()
    with box.whole_box("bench") as uow:
        uow.session.add(TenantKey(tenant_id=tenant_id, wrapped=box.keys.new_tenant_key(tenant_id)))
    return tenant_id
