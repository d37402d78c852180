import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from appliance.core.web import PageQuery
from appliance.domains.contacts import actions as contacts
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.rules import searching
from appliance.domains.conversations.tables import MessageWord
from tests.statements import statements_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("orçamento", "Orcamentos"), ("instalação", "instalacoes"), ("preço", "precos"), ("canal", "canais"), ("viagem", "viagens"),
        ("order", "orders"), ("delivery", "Deliveries"), ("cancel", "cancelled"), ("007", "7"),
    ],
)  # fmt: skip
def test_a_word_and_its_forms_are_one_term(one, other):
    assert searching.term_of(one) == searching.term_of(other)


def test_other_words_are_other_terms():
    words = ("preço", "prazo", "orçamento", "pagamento", "casa", "caso", "visita", "order", "older")
    assert len({searching.term_of(word) for word in words}) >= len(words) - 1  # casa and caso share a stem


@given(st.text(max_size=400))
def test_any_text_gives_terms_and_its_own_snippet(text):
    terms = searching.terms_of(text)
    said = "".join(part for part, _hit in searching.snippet(text, terms))
    assert len(terms) <= searching.MOST_WORDS
    assert said.strip("…").strip() in " ".join(text.split())


@given(st.sets(st.integers(1, 2**32 - 1), max_size=20))
def test_numbers_come_back_as_they_were_packed(numbers):
    assert searching.unpacked(searching.packed(numbers)) == numbers


def test_the_passage_around_the_word_is_shown_with_the_word_told_apart():
    text = "Bom dia! " + "Falei ontem com a loja. " * 6 + "Vocês refazem o orçamento do inversor? " + "Obrigada. " * 20
    parts = searching.snippet(text, searching.terms_of("orçamentos inversor"))
    assert [part for part, hit in parts if hit] == ["orçamento", "inversor"]
    assert (parts[0], parts[-1]) == (("…", False), ("…", False))
    assert sum(len(part) for part, _ in parts) < searching.AROUND + 5


def test_the_newest_message_with_the_most_words_is_the_one():
    assert searching.best_numbers([frozenset({1, 4, 9}), frozenset({4, 1})]) == [4, 1]
    assert searching.best_numbers([]) == []


def search(box, tenant_id, q, **page):
    with box.unit(tenant_id, read_only=True) as uow:
        found = queries.search_messages(uow, q, PageQuery(**page))
        return [(hit.message.content["text"], hit.others) for hit in found.items], found.total


def test_what_customers_colleagues_and_notes_say_is_found(box, tenant_id, bruno, says):
    one = says("Qual o preço do inversor?")
    says("Quero remarcar a visita", visitor="beto")
    with box.unit(tenant_id) as uow:
        actions.reply(uow, one, user_id=bruno, content={"text": "O inversor custa R$ 4.900."})
        actions.add_note(uow, one, user_id=bruno, text="cliente antigo")
    assert search(box, tenant_id, "inversores") == ([("O inversor custa R$ 4.900.", 1)], 1)
    assert search(box, tenant_id, "preços inversor") == ([("Qual o preço do inversor?", 0)], 1)
    assert search(box, tenant_id, "CLIENTES") == ([("cliente antigo", 0)], 1)
    assert search(box, tenant_id, "visita inversor") == ([], 0)
    assert search(box, tenant_id, "! a") == ([], 0)


def test_words_spread_over_a_conversation_find_it_too(box, tenant_id, says):
    says("É sobre a garantia")
    says("do inversor novo")
    assert search(box, tenant_id, "garantia inversor") == ([("do inversor novo", 1)], 1)


def test_the_database_does_not_say_which_words_stand_in_a_message(box, tenant_id, other_tenant_id, says):
    says("Oi")
    with box.unit(tenant_id, read_only=True) as uow:
        kept, hashed = uow.session.scalars(select(MessageWord.term)).all(), queries.word_hashes(uow)
        assert kept == [hashed(searching.term_of("oi"))]
    with box.unit(other_tenant_id, read_only=True) as uow:
        assert queries.word_hashes(uow)(searching.term_of("oi")) != kept[0]
    assert search(box, other_tenant_id, "oi") == ([], 0)


def test_erasing_a_person_erases_the_words_they_are_found_by(box, tenant_id, says):
    conversation_id = says("segredo guardado")
    says("segredo alheio", visitor="beto")
    with box.unit(tenant_id) as uow:
        contacts.delete_contact(uow, queries.get_conversation(uow, conversation_id).contact_id)
    assert search(box, tenant_id, "segredo") == ([("segredo alheio", 0)], 1)
    with box.unit(tenant_id, read_only=True) as uow:
        left = select(MessageWord).where(MessageWord.conversation_id == conversation_id)
        assert uow.session.scalars(left).all() == []


def test_a_page_costs_the_same_number_of_queries_whatever_its_length(box, tenant_id, says):
    def cost(limit):
        with statements_of(box) as statements, box.unit(tenant_id, read_only=True) as uow:
            assert len(queries.search_messages(uow, "inversor", PageQuery(limit=limit)).items) == limit
        return len(statements)

    for number in range(6):
        says(f"inversor {number}", visitor=str(number))
    assert cost(2) == cost(6)


def test_the_search_answers_with_passages(client, says):
    conversation_id = says("Quero o orçamento do inversor")
    says("obrigada")
    (found,) = client.get("/api/v1/conversations/search?q=orcamentos").json["items"]
    assert (found["conversation_id"], found["number"], found["others"]) == (str(conversation_id), 1, 0)
    assert [part["text"] for part in found["parts"] if part["hit"]] == ["orçamento"]
    around = client.get(f"/api/v1/conversations/{conversation_id}/messages?before={found['number'] + 25}").json["items"]
    assert found["message_id"] in {message["id"] for message in around}
    assert client.get("/api/v1/conversations/search?q=").status_code == 422
