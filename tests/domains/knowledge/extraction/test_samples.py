"""Real documents, where they are at hand: page counts, and nothing crashes."""

import json
import os
from pathlib import Path

import pytest

from appliance.domains.knowledge.gateways.extraction import launcher
from appliance.domains.knowledge.gateways.extraction.failures import ExtractionError

ROOT = os.environ.get("SALESEDGE_EVAL_DATA")
pytestmark = pytest.mark.skipif(not ROOT, reason="SALESEDGE_EVAL_DATA names no folder of sample documents")


def samples(*pattern: str) -> list[Path]:
    return [path for glob in pattern for path in sorted(Path(ROOT or "/nowhere").glob(glob))]


def assert_sentence(problem: ExtractionError) -> None:
    assert str(problem).endswith(".")


@pytest.mark.parametrize("path", samples("*/docs/*"), ids=lambda path: path.name)
def test_company_documents_are_read(path: Path) -> None:
    found = launcher.run_extraction(path, path.name)
    assert sum(len(block.text) for block in found.blocks) > 200


@pytest.mark.parametrize("path", samples("awkward_docs/pdf/*.pdf"), ids=lambda path: path.name)
def test_awkward_pdfs_have_the_pages_they_have_or_fail_in_a_sentence(path: Path) -> None:
    listed = json.loads((path.parent / "files.json").read_text())["data"]
    pages = {entry["path"].split("/")[-1]: entry.get("pages") for entry in listed}
    try:
        found = launcher.run_extraction(path, path.name)
    except ExtractionError as problem:
        assert_sentence(problem)
        return
    assert found.pages == pages[path.name.split("__")[-1]]


@pytest.mark.parametrize("path", samples("awkward_docs/office/*.*"), ids=lambda path: path.name)
def test_awkward_office_files_are_read_or_fail_in_a_sentence(path: Path) -> None:
    try:
        assert launcher.run_extraction(path, path.name).blocks
    except ExtractionError as problem:
        assert_sentence(problem)
