"""Whatever arrives, extraction ends with blocks or with a reason."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domains.knowledge.gateways.extraction import launcher
from appliance.domains.knowledge.gateways.extraction.failures import ExtractionError
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.types import Extraction
from tests.domains.knowledge.extraction.paper import Page, pdf
from tests.domains.knowledge.extraction.test_reading_mail import THREAD, mail
from tests.domains.knowledge.extraction.test_reading_office import book, deck, policy, saved
from tests.domains.knowledge.extraction.test_reading_web import page as web_page

WHOLE = {
    "a.pdf": pdf(Page().lines(60, 80, ["Texto de uma página."]).grid(60, 140, [90, 90], [["a", "b"], ["c", "d"]])),
    "a.docx": saved(policy()),
    "a.xlsx": saved(book([["nome", "valor"], ["mesa", 10]])[0]), "a.pptx": deck(), "a.eml": mail(THREAD).as_bytes(),
    "a.html": web_page("<p>Texto</p>"), "a.csv": b"a;b\n1;2\n", "a.json": b'{"a": [1, 2]}', "a.md": b"# T\n\ntexto", "a.txt": b"texto\n",
}
LIMITS = Limits(wall_seconds=20, cpu_seconds=15)


def ends_well(content: bytes, name: str) -> None:
    try:
        ended: Extraction | ExtractionError = launcher.run_extraction(content, name, LIMITS)
    except ExtractionError as problem:
        ended = problem
    assert isinstance(ended, Extraction) or str(ended).endswith(".")


@settings(max_examples=12, deadline=None)
@given(st.binary(min_size=1, max_size=4000), st.sampled_from(sorted(WHOLE)))
def test_random_bytes(content: bytes, name: str) -> None:
    ends_well(content, name)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.floats(min_value=0.02, max_value=0.99))
def test_truncated_files(name: str, share: float) -> None:
    ends_well(WHOLE[name][:max(1, int(len(WHOLE[name]) * share))], name)


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.pptx", "a.eml"])
def test_files_with_broken_bytes(name: str) -> None:
    dice = random.Random(7)
    for _ in range(2):
        content = bytearray(WHOLE[name])
        for _ in range(20):
            content[dice.randrange(len(content))] = dice.randrange(256)
        ends_well(bytes(content), name)
