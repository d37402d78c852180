import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from appliance.core.web import PageQuery
from appliance.domains.contacts import actions as contacts
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.rules import searching, spelling
from appliance.domains.conversations.tables import KnownWord, MessageWord
from tests.statements import statements_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("orçamento", "Orcamentos"), ("instalação", "instalacoes"), ("preço", "precos"), ("canal", "canais"), ("viagem", "viagens"),
        ("order", "orders"), ("delivery", "Deliveries"), ("cancel", "cancelled"), ("007", "7"), ("leão", "leões"),
    ],
)  # fmt: skip
def test_a_word_and_its_forms_share_a_stem_and_a_place_to_be_looked_up(one, other):
    mine, theirs = spelling.form_of(one), spelling.form_of(other)
    assert spelling.stem_of(mine) == spelling.stem_of(theirs)
    assert spelling.head_of(mine) in spelling.heads_of(theirs)
    assert spelling.head_of(theirs) in spelling.heads_of(mine)


def test_other_words_are_other_stems():
    words = ("preço", "prazo", "orçamento", "pagamento", "casa", "caso", "visita", "order", "older")
    assert len({spelling.stem_of(spelling.form_of(word)) for word in words}) >= len(words) - 1  # casa and caso share a stem


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("123.456.789-09", "meu CPF é 12345678909"), ("12345678909", "CPF 123.456.789-09"), ("98765-4321", "ligue 11987654321"),
        ("+55 (11) 98765-4321", "meu fone: 11 98765-4321"), ("987654321", "+55 11 98765 4321"),
        ("5531999998888", "(31) 99999-8888"), ("553133334444", "fixo: 31 3333-4444"), ("551234567890", "boleto 55123456789012345678"),
        ("4711", "pedido #4.711"),
        ("ana@solara", "escreva para Ana@Solara.com.br"), ("#4711", "pedido 4711-2"), ("NF-4711", "a nota NF 4711 veio"),
    ],
)  # fmt: skip
def test_numbers_and_addresses_are_met_however_they_are_written(typed, said):
    forms = searching.forms_in(said)
    for asked in searching.asked_in(typed):
        assert all(any(asked.fits(word, form) for form in forms) for word in asked.known)
        assert not asked.is_phrase or searching.says(said, asked)


def test_what_stands_in_quotes_is_looked_for_as_it_stands():
    assert searching.asked_in('"visita técnica" amanhã') == [
        searching.Asked(("visita", "tecnica"), is_phrase=True, is_open=False), searching.Asked(("amanha",)),
    ]  # fmt: skip
    assert searching.asked_in('“a” ! ""') == []
    assert searching.asked_in('"sem fim') == [searching.Asked(("sem",)), searching.Asked(("fim",))]


@given(st.text(max_size=400))
def test_any_text_gives_forms_and_its_own_snippet(text):
    forms = searching.forms_in(text)
    said = "".join(part for part, _hit in searching.snippet(text, forms))
    assert len(forms) <= searching.MOST_WORDS
    assert said.strip("…").strip() in " ".join(text.split())
    assert len(searching.asked_in(text)) <= searching.ASKED_WORDS


@given(st.sets(st.integers(1, 2**32 - 1), max_size=20))
def test_numbers_come_back_as_they_were_packed(numbers):
    assert searching.unpacked(searching.packed(numbers)) == numbers


def test_the_passage_around_the_word_is_shown_with_the_word_told_apart():
    text = "Bom dia! " + "Falei ontem com a loja. " * 6 + "Vocês refazem o orçamento do inversor? " + "Obrigada. " * 20
    parts = searching.snippet(text, {"orcamento", "inversor"})
    assert [part for part, hit in parts if hit] == ["orçamento", "inversor"]
    assert (parts[0], parts[-1]) == (("…", False), ("…", False))
    assert sum(len(part) for part, _ in parts) < searching.AROUND + 5


def test_the_newest_message_with_the_most_words_is_the_one():
    assert searching.best_numbers([frozenset({1, 4, 9}), frozenset({4, 1})]) == [4, 1]
    assert searching.best_numbers([]) == []


def test_subjects_and_names_of_files_are_looked_through_once_each():
    assert searching.text_in({"text": "Segue.", "mail": {"subject": "Pedido #4711"}}) == "Pedido #4711 Segue."
    assert searching.text_in({"text": "Pedido #4711", "mail": {"subject": "Pedido #4711"}}) == "Pedido #4711"
    assert searching.text_in({"caption": "a planta", "media": {"filename": "casa.pdf"}, "mail": {}}) == "a planta casa.pdf"
    assert searching.text_in({"text": "só isto", "media": None}) == "só isto"


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


def test_a_phone_as_whatsapp_writes_it_is_found_however_the_customer_wrote_it(box, tenant_id, says):
    says("Me liga no (31) 99999-8888")
    says("+55 31 99999-8888", visitor="beto")
    says("meu número é 5531999998888", visitor="caio")
    says("(31) 98888-9999", visitor="dora")
    assert search(box, tenant_id, "5531999998888")[1] == 3
    assert search(box, tenant_id, "liga 5531999998888") == ([("Me liga no (31) 99999-8888", 0)], 1)
    assert search(box, tenant_id, '"5531999998888"')[1] == 1


def test_a_phone_as_whatsapp_writes_it_is_found_among_any_number_of_others(box, tenant_id, says, monkeypatch):
    monkeypatch.setattr("appliance.domains.conversations.queries.searching.MOST_KNOWN", 0)
    says("Me liga no (31) 99999-8888")
    assert search(box, tenant_id, "5531999998888")[1] == 1


def test_words_are_found_by_their_beginning(box, tenant_id, says):
    says("Segue o orçamento")
    says("O orçador ligou", visitor="beto")
    assert search(box, tenant_id, "orça")[1] == 2
    assert search(box, tenant_id, "orçam") == ([("Segue o orçamento", 0)], 1)
    assert search(box, tenant_id, "or") == ([], 0)


def test_of_too_many_words_with_one_beginning_the_same_are_known_each_time(box, tenant_id, says, monkeypatch):
    words = [f"orca{letter}u" for letter in "bcdfghjklmnpqrstvxz"]
    for word in words:
        says(word, visitor=word)
    with box.unit(tenant_id, read_only=True) as uow:
        first = sorted(words, key=queries.word_hashes(uow))[:3]
    monkeypatch.setattr("appliance.domains.conversations.queries.searching.MOST_KNOWN", len(first))
    assert {text for text, _others in search(box, tenant_id, "orça")[0]} == set(first)
    assert search(box, tenant_id, words[0])[1] == 1


def test_a_phrase_is_found_in_its_order_alone(box, tenant_id, says):
    says("A visita técnica é amanhã")
    says("técnica da visita", visitor="beto")
    says("visita", visitor="caio")
    says("técnica", visitor="caio")
    assert search(box, tenant_id, "visita técnica")[1] == 3
    assert search(box, tenant_id, '"visita técnica"') == ([("A visita técnica é amanhã", 0)], 1)
    assert search(box, tenant_id, '"visita técnica" orçam') == ([], 0)
    assert search(box, tenant_id, '"a visita" aman')[1] == 1
    assert search(box, tenant_id, '"visita tec"') == ([], 0)


def test_a_phrase_is_looked_for_in_the_beginning_of_a_long_message():
    (phrase,) = searching.asked_in('"casa azul"')
    assert searching.says("casa azul " + "oi " * searching.MOST_SAID, phrase)
    assert not searching.says("oi " * searching.MOST_SAID + "casa azul", phrase)


def test_pages_of_phrases_follow_each_other(box, tenant_id, says):
    for number in range(3):
        says(f"visita técnica {number}", visitor=str(number))
    first, second = (search(box, tenant_id, '"visita técnica"', page=page, limit=2) for page in (1, 2))
    assert first == ([("visita técnica 2", 0), ("visita técnica 1", 0)], 3)
    assert second == ([("visita técnica 0", 0)], 3)


def test_words_spread_over_a_conversation_find_it_too(box, tenant_id, says):
    says("É sobre a garantia")
    says("do inversor novo")
    assert search(box, tenant_id, "garantia inversor") == ([("do inversor novo", 1)], 1)


def test_the_database_does_not_say_which_words_stand_in_a_message(box, tenant_id, other_tenant_id, says):
    says("Oi")
    with box.unit(tenant_id, read_only=True) as uow:
        kept, hashed = uow.session.scalars(select(MessageWord.term)).all(), queries.word_hashes(uow)
        assert kept == [hashed("oi")]
    with box.unit(other_tenant_id, read_only=True) as uow:
        assert queries.word_hashes(uow)("oi") != kept[0]
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
        assert sorted(form.strip() for form in uow.session.scalars(select(KnownWord.form))) == ["alheio", "segredo"]


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


@pytest.mark.only_database("sqlite")
def test_a_message_that_is_shown_is_looked_up_not_looked_for(box, tenant_id, says):
    says("inversor")
    with statements_of(box) as statements, box.unit(tenant_id, read_only=True) as uow:
        queries.search_messages(uow, "inversor", PageQuery())
    [(statement, values)] = [one for one in statements if "FROM messages" in one[0] or "JOIN messages" in one[0]]
    with box.whole_box("test", read_only=True) as uow:
        plan = uow.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert any("conversation_id=? AND number=?" in step.detail for step in plan)
