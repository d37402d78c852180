import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui import theme

colours = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


@given(colours)
def test_any_brand_is_readable_on_every_surface_of_both_themes(brand):
    chosen = theme.theme_for(brand)
    for pair, ground in ((chosen.light, theme.LIGHT), (chosen.dark, theme.DARK)):
        assert all(theme.contrast(pair.accent, surface) >= theme.AA for surface in ground.surfaces)
        assert theme.contrast(pair.accent, pair.on_accent) >= theme.AA


@given(colours)
def test_stylesheet_holds_nothing_but_four_colours(brand):
    sheet = theme.theme_for(brand).stylesheet()
    assert sheet.count("#") == 4
    assert sheet.count("{") == sheet.count("}") == 2


def test_a_readable_brand_is_left_alone():
    assert theme.theme_for("#0b6b5d").light == theme.Pair("#0b6b5d", "#ffffff")
    assert not theme.theme_for("#0B6B5D").is_corrected


def test_pale_yellow_is_darkened_for_the_light_theme_and_kept_for_the_dark_one():
    chosen = theme.theme_for("#fff7b0")
    assert chosen.is_corrected
    assert chosen.dark.accent == "#fff7b0"


@given(colours, colours)
def test_contrast_is_the_same_both_ways_and_within_the_scale(one, other):
    assert theme.contrast(one, other) == theme.contrast(other, one)
    assert 1 <= theme.contrast(one, other) <= 21


@pytest.mark.parametrize("text", ["", "red", "#12345", "#0b6b5d;}body{display:none", "url(x)"])
def test_what_is_no_colour_is_refused(text):
    assert theme.parse_colour(text) is None
    with pytest.raises(ValueError, match=r".*"):
        theme.theme_for(text or " ")
