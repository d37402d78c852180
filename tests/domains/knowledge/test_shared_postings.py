"""Documents share the rows of the lexical index: what one writes or loses leaves the others whole."""

from collections.abc import Callable
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from appliance.core.box import Box
from appliance.core.db import CrossTenantWrite
from appliance.core.ids import new_id
from appliance.core.rows import insert_or_append
from appliance.domains.knowledge import actions
from appliance.domains.knowledge.actions import postings as rows
from appliance.domains.knowledge.actions.documents import lock_corpus
from appliance.domains.knowledge.rules import postings
from appliance.domains.knowledge.tables import Posting
from tests.domains.knowledge.conftest import Put

TEXT = "A garantia da bomba {name} vale por 3 meses.\n"


def entries(*numbers: int) -> postings.Entries:
    return np.array([(number, postings.STEP, 7, 1) for number in numbers], postings.ENTRY)


def stored(box: Box, tenant_id: UUID) -> dict[tuple[str, int], list[int]]:
    with box.unit(tenant_id, read_only=True) as uow:
        found = uow.session.execute(select(Posting.term, Posting.block, Posting.packed)).all()
    return {(term, block): postings.unpack([packed])["number"].tolist() for term, block, packed in found}


def write(box: Box, tenant_id: UUID, listed: dict[str, postings.Entries]) -> None:
    with box.unit(tenant_id) as uow:
        lock_corpus(uow)
        rows.write(uow, listed)


def test_a_stem_is_one_row_however_many_documents_hold_it(box: Box, tenant_id: UUID, put: Put) -> None:
    for name in ("alfa", "beta", "gama"):
        put(f"{name}.md", TEXT.format(name=name))
    found = stored(box, tenant_id)
    assert len(found[("garant", 0)]) == 3
    assert {block for _, block in found} == {0}


def test_stems_are_not_put_behind_those_of_another_tenant(box: Box, tenant_id: UUID, other_tenant_id: UUID) -> None:
    foreign = [{"id": new_id(), "tenant_id": other_tenant_id, "block": 0, "term": "bomba", "packed": entries(1).tobytes()}]
    with box.unit(tenant_id) as uow, pytest.raises(CrossTenantWrite):
        insert_or_append(uow, Posting, foreign, key=("tenant_id", "block", "term"), grows="packed")


def test_a_deleted_document_leaves_no_stem_behind(box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int]) -> None:
    put("alfa.md", TEXT.format(name="alfa"))
    before = stored(box, tenant_id)
    gone = put("beta.md", TEXT.format(name="zirconio"))
    assert stored(box, tenant_id) != before
    with box.unit(tenant_id) as uow:
        actions.delete_document(uow, gone)
    run_deliveries()
    assert stored(box, tenant_id) == before


def test_chunks_on_both_sides_of_a_border_are_written_and_erased_whole(box: Box, tenant_id: UUID) -> None:
    last = postings.BLOCK - 1
    write(box, tenant_id, {"bomba": entries(last - 1, last, last + 1), "outra": entries(last + 2)})
    write(box, tenant_id, {"bomba": entries(last - 5)})
    assert stored(box, tenant_id) == {("bomba", 0): [last - 1, last, last - 5], ("bomba", 1): [last + 1], ("outra", 1): [last + 2]}
    with box.unit(tenant_id) as uow:
        rows.erase(uow, last - 1, last + 1)
    assert stored(box, tenant_id) == {("bomba", 0): [last - 5], ("outra", 1): [last + 2]}


def test_what_is_written_stands_behind_what_others_wrote(box: Box, tenant_id: UUID) -> None:
    write(box, tenant_id, {"bomba": entries(0, 1, 256), "outra": entries(1)})
    write(box, tenant_id, {"bomba": entries(257, 258), "nova": entries(257)})
    assert stored(box, tenant_id) == {("bomba", 0): [0, 1, 256, 257, 258], ("outra", 0): [1], ("nova", 0): [257]}
