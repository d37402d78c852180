"""Pieces of mails: where they stand, and that none holds itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import Conflict, Refused
from appliance.domains.channels import actions, queries
from appliance.domains.channels.rules import pieces, wording
from appliance.domains.channels.schemas import TemplateIn, TemplatePatch

sqlite = pytest.mark.only_database("sqlite")


@pytest.fixture
def make(box, tenant_id):
    def create(name, body, kind="piece"):
        with box.unit(tenant_id) as uow:
            return actions.create_template(uow, TemplateIn.model_validate({"kind": kind, "name": name, "parts": {"body": body}})).id

    return create


@pytest.fixture
def change(box, tenant_id):
    def write(template_id, **given):
        with box.unit(tenant_id) as uow:
            actions.change_template(uow, template_id, TemplatePatch.model_validate(given))

    return write


@sqlite
def test_a_piece_knows_the_mails_it_stands_in_also_through_other_pieces(make, box, tenant_id):
    foot = make("rodape", "Solara Energia")
    make("assinatura", "**Ana**\n\n{{> rodape}}")
    make("Proposta", "Olá!\n\n{{> assinatura}}", "email")
    make("Aviso", "Olá!", "email")
    with box.unit(tenant_id, read_only=True) as uow:
        assert [one.name for one in queries.list_uses(uow, queries.get_template(uow, foot))] == ["Proposta", "assinatura"]


@sqlite
def test_a_piece_in_use_keeps_its_name_and_stays(make, change, box, tenant_id):
    foot = make("rodape", "Solara Energia")
    mail = make("Proposta", "Olá!\n\n{{> rodape}}", "email")
    with pytest.raises(Conflict, match="Proposta"):
        change(foot, name="pe")
    with pytest.raises(Conflict, match="Proposta"), box.unit(tenant_id) as uow:
        actions.delete_template(uow, foot)
    change(foot, parts={"body": "Outra coisa"})
    change(mail, parts={"body": "Olá!"})
    change(foot, name="pe")
    with box.unit(tenant_id) as uow:
        actions.delete_template(uow, foot)


@sqlite
def test_pieces_that_are_not_there_or_hold_themselves_are_told(make, change):
    for kind in ("email", "piece"):
        with pytest.raises(Refused, match="nobody") as refused:
            make("x", "{{> nobody}}", kind)
        assert set(refused.value.fields) == {"body"}
    with pytest.raises(Refused, match="eu → eu"):
        make("eu", "{{> eu}}")
    first = make("a", "A")
    make("b", "B {{> a}}")
    with pytest.raises(Refused, match="a → b → a"):
        change(first, parts={"body": "A {{> b}}"})


NAMES = st.sampled_from("abcd")


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=4).map(lambda held: "x" + "".join(f"{{{{> {one}}}}}" for one in held))), NAMES)
def test_a_circle_is_found_exactly_where_a_piece_uses_itself(texts, name):
    circle = pieces.find_circle(name, texts.get(name, ""), texts)
    inside = set(pieces.held_by(texts.get(name, "")))
    reached = set()
    while inside - reached:
        reached |= inside
        inside = {held for one in reached for held in pieces.held_by(texts.get(one, ""))}
    assert bool(circle) == (name in reached)
    assert not circle or (circle[0] == circle[-1] == name)
    assert len(wording.with_pieces(texts.get(name, ""), texts)) <= wording.MOST_INSERTED
