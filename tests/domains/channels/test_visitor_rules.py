import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.channels.rules.origins import origin_of
from appliance.domains.channels.rules.proofs import name_of, token_for

KEY, CHANNEL, VISITOR = b"k" * 32, "c" * 32, "0123456789abcdef" * 2


def test_a_token_names_its_visitor_on_its_channel_alone():
    token = token_for(KEY, CHANNEL, VISITOR)
    assert name_of(KEY, CHANNEL, token) == VISITOR
    assert name_of(KEY, "d" * 32, token) is None
    assert name_of(b"o" * 32, CHANNEL, token) is None


@given(st.text(max_size=120))
def test_what_somebody_made_up_names_nobody(text):
    assert name_of(KEY, CHANNEL, text) is None


@given(st.integers(0, 96), st.sampled_from("0123456789abcdef."))
def test_a_token_with_one_letter_changed_names_nobody(place, letter):
    token = token_for(KEY, CHANNEL, VISITOR)
    changed = token[:place] + letter + token[place + 1 :]
    assert name_of(KEY, CHANNEL, changed) == (VISITOR if changed == token else None)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("www.Loja.com/contato?a=1", "https://www.loja.com"),
        (" http://localhost:8080/ ", "http://localhost:8080"),
        ("https://loja.com:443", "https://loja.com"),
        ("https://[::1]:8443/x", "https://[::1]:8443"),
        ("ftp://loja.com", None),
        ("https://loja.com; script-src *", None),
        ("https://*.loja.com", None),
        ("https://loja.com:99999", None),
        ("javascript:alert(1)", None),
        ("loja .com", None),
        ("loja", None),  # its ending is missing
        ("http://loja", "http://loja"),  # a machine of the house, said on purpose
        ("localhost:8080", "https://localhost:8080"),
        ("", None),
    ],
)
def test_a_site_is_kept_as_browsers_name_it(typed, kept):
    assert origin_of(typed) == kept


@given(st.text(max_size=60))
def test_no_site_brings_a_second_word_into_a_policy(text):
    found = origin_of(text)
    assert found is None or (not set(found) & set(" ;,'\"\\") and origin_of(found) == found)
