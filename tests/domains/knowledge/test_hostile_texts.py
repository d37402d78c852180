"""Texts made to make a pattern think for ever: each of these used to take minutes; now they simply return."""

import pytest

from appliance.domains.knowledge.gateways.extraction import sniff
from appliance.domains.knowledge.rules.acronyms import explained_in


@pytest.mark.parametrize("text", ["A1-" * 60 + " fim.", "A1-" * 20_000, "Aa " * 20_000 + "(AB)", "A" * 50_000, "Ab de " * 5000 + "(XY)"])
def test_a_hostile_text_does_not_make_the_search_for_short_forms_think(text):
    assert isinstance(explained_in([text]), dict)


def test_short_forms_are_still_found():
    assert explained_in(["A Central de Atendimento ao Cliente (CAC) abre às 8h."]) or explained_in(["A Central de Atendimento (CA) abre."])


@pytest.mark.parametrize("head", ["<!---->" * 40 + "x", "<!--" * 5000, "\n" * 60_000, "<?xml " * 3000])
def test_a_hostile_head_does_not_make_the_type_check_think(head):
    assert not sniff.is_page(head)


def test_a_page_behind_comments_is_still_a_page():
    assert sniff.is_page("<!-- a --> <!-- b -->\n<!DOCTYPE html><html>")
