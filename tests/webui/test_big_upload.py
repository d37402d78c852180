"""A big file goes in pieces; one that is lost on the way is sent again from where the box stands."""

import re

import pytest
from sqlalchemy import select

from appliance.domains.knowledge.tables import DocumentVersion, Upload

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]

BIG = b"# Manual\n\n" + b"Prazo de entrega: 7 dias.\n" * 700_000  # 18 MB


def test_a_lost_piece_costs_one_piece(box, new_context, site, ana, tmp_path):
    page = new_context(ana).new_page()
    page.goto("/knowledge")
    seen = []

    def fragile(route):
        if route.request.method == "PATCH":
            seen.append(route.request.headers["upload-offset"])
            if len(seen) == 3:
                return route.abort()
        return route.continue_()

    page.route("**/documents/tus/*", fragile)
    manual = tmp_path / "manual.md"
    manual.write_bytes(BIG)
    page.set_input_files("#files", manual)
    page.get_by_role("row", name=re.compile("manual.md")).wait_for()  # that it was sent is said for a moment only
    assert seen[2] == seen[3] != "0"
    with box.unit(ana.tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(DocumentVersion.size)).one() == len(BIG)
        assert uow.session.scalars(select(Upload.pieces)).one() == []
