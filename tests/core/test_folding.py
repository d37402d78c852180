"""Text is compared without case, accents and compatibility forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.folding import fold, fold_line


@pytest.mark.parametrize(("said", "folded"), [
    ("Conceição", "conceicao"), ("STRASSE Straße", "strasse strasse"), ("ﬁm ①", "fim 1"), ("İzmir", "izmir"), ("日本", "日本"),
])
def test_folding_drops_case_accents_and_forms(said, folded):
    assert fold(said) == folded


def test_a_line_also_loses_its_spare_spaces():
    assert fold_line("  José   CONCEIÇÃO\t") == "jose conceicao"


@given(st.text())
def test_folded_text_stays_as_it_is(anything):
    assert fold(fold(anything)) == fold(anything)
    assert fold_line(fold_line(anything)) == fold_line(anything)
