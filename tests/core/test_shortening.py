import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.shortening import shortened_at_sentence


@pytest.mark.parametrize(("text", "kept"), [
    ("Uma. Duas. Três.", "Uma. Duas. Três."),
    ("Uma frase. Outra frase. Mais uma.", "Uma frase. …"),
    ("Custa R$ 1.500 sem frete algum nem taxa", "Custa R$ 1.500 sem…"),
    ("Uma frase bem.\nOutra mais longa", "Uma frase bem. …"),
])
def test_what_is_too_long_ends_after_a_whole_sentence(text, kept):
    assert shortened_at_sentence(text, 19) == kept


@given(st.text("ab .!\n"), st.integers(1, 40))
def test_it_is_never_longer_than_it_may_be(text, most):
    assert len(shortened_at_sentence(text, most)) <= most
