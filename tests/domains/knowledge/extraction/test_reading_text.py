import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.knowledge.gateways.extraction import cleaning, encodings
from appliance.domains.knowledge.types import BlockKind
from tests.domains.knowledge.extraction.paper import block, read, texts

FREIGHT = "cidade;frete;prazo\r\nSão João;39,90;2\r\nBetim;1.249,90;12\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_csv_keeps_decimal_commas_in_every_usual_encoding(encoding: str) -> None:
    assert texts(read(FREIGHT.encode(encoding), "frete.csv")) == [
        "cidade: São João; frete: 39,90; prazo: 2", "cidade: Betim; frete: 1.249,90; prazo: 12"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters_are_found(delimiter: str) -> None:
    rows = [["produto", "preço", "nota"], ["mesa", "10", 'diz "oi"'], ["vaso", "7", "azul"]]
    content = "\n".join(delimiter.join(row) for row in rows).encode()
    assert texts(read(content, "p.csv"))[1] == "produto: vaso; preço: 7; nota: azul"


def test_csv_quotes_and_line_breaks_in_cells() -> None:
    content = 'nome;endereço\n"Silva; Filhos";"Rua A,\n12"\nLima;Rua B\n'.encode()
    assert texts(read(content, "c.csv"))[0] == "nome: Silva; Filhos; endereço: Rua A, 12"


def test_windows_text_with_crlf_headings_and_lists() -> None:
    text = "COMUNICADO INTERNO\r\n\r\nA loja fecha às 18h na véspera.\r\n\r\n1. Segunda: aberto\r\n2. Terça: fechado\r\n"
    found = read(text.encode("cp1252"), "aviso.txt")
    assert texts(found, BlockKind.HEADING) == ["COMUNICADO INTERNO"]
    assert block(found, "véspera").heading_path == ("COMUNICADO INTERNO",)
    assert texts(found, BlockKind.LIST_ITEM) == ["1. Segunda: aberto", "2. Terça: fechado"]


def test_hard_wrapped_lines_are_joined_and_short_lines_are_not() -> None:
    wrapped = "Este parágrafo foi quebrado por um editor antigo a cada tantas\ncolunas e deve voltar a ser um só parágrafo inteiro."
    wrapped += "\n\nRua A, 10\nCentro\n"
    assert len(texts(read(wrapped.encode(), "t.txt"))) == 3


def test_notes_of_one_fact_a_line_are_not_run_together() -> None:
    notes = ["consulta 150,00 com registro", "eutanásia / cremação só com agendamento, falar com dra Ana", "aceita cartão? sim, até 3x",
             "retorno em 15 dias", "vacina v8: R$ 85", "banho do gato só com sedação, R$ 120"]
    assert texts(read("\n".join(notes).encode(), "faq.txt")) == notes


def test_a_question_alone_on_its_line_takes_the_answer_below_it() -> None:
    told = "tem estacionamento?\nsim, na rua de trás\naceita cartão?\nsó débito\n"
    assert texts(read(told.encode(), "faq.txt")) == ["tem estacionamento? sim, na rua de trás", "aceita cartão? só débito"]


def test_a_wrapped_sentence_with_a_price_is_still_one() -> None:
    told = "A entrega na capital custa R$ 31,50 e leva de\ndois a três dias depois que o pedido foi pago e\nconferido.\n"
    assert len(texts(read(told.encode(), "t.txt"))) == 1


def test_a_question_and_its_answer_on_one_line_are_told_apart() -> None:
    told = "P: Vocês entregam? R: Sim, em dois dias.\n\np: tem estacionamento??  r- na esquina\n\nAbrimos cedo.\n"
    found = read(told.encode(), "faq.txt")
    assert texts(found, BlockKind.FAQ_QUESTION) == ["Vocês entregam?", "tem estacionamento?"]
    assert texts(found, BlockKind.FAQ_ANSWER) == ["Sim, em dois dias.", "na esquina"]
    assert texts(found, BlockKind.PARAGRAPH) == ["Abrimos cedo."]


def test_letters_with_questions_and_answers_in_plain_text() -> None:
    found = read("P: Vocês entregam?\nR: Sim, em dois dias.\n\nP: E montam?\nR: Não.\n".encode(), "faq.txt")
    assert texts(found, BlockKind.FAQ_ANSWER) == ["Sim, em dois dias.", "Não."]


def test_markdown_front_matter_headings_tables_and_code() -> None:
    text = "---\ntitle: Guia\nauthor: Ana\n---\n# Entregas\n\n| Zona | Prazo |\n|---|---|\n| norte | 3 dias |\n\n"
    text += "## Regras\n\n- uma\n- duas ~~velha~~\n\n```\nx = 1\n```\n"
    found = read(text.encode(), "guia.md")
    assert (found.title, found.author) == ("Guia", "Ana")
    assert block(found, "norte").text == "Zona: norte; Prazo: 3 dias"
    assert texts(found, BlockKind.LIST_ITEM) == ["uma", "duas"]
    assert block(found, "x = 1").kind is BlockKind.CODE


def test_json_records_are_a_table_and_other_json_is_paths() -> None:
    records = read(b'[{"nome": "mesa", "preco": 10}, {"nome": "vaso"}]', "a.json")
    assert texts(records) == ["nome: mesa; preco: 10", "nome: vaso"]
    other = read(b'{"loja": {"nome": "Centro", "dias": ["seg", "ter"]}}', "b.json")
    assert texts(other) == ["loja > nome: Centro", "loja > dias: seg, ter"]


def test_text_is_cleaned_of_controls_ligatures_and_double_spaces() -> None:
    assert cleaning.line("a\u0000ﬁ\u00adm  de\u200b\tlinha\u0007 e\u0301") == "afim de linha é"


@given(st.text())
def test_cleaned_text_is_always_storable(text: str) -> None:
    clean = cleaning.line(text)
    clean.encode("utf-8")
    assert "\0" not in clean
    assert cleaning.line(clean) == clean


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_cleaning_takes_lone_surrogates_out(text: str) -> None:
    cleaning.line(text + "\ud800").encode("utf-8")


@given(st.text(alphabet="abcdefg áéíóúãõçÁÉÇ€ºª,.\n", min_size=20))
def test_windows_1252_survives_the_round_trip(text: str) -> None:
    assert encodings.decode(text.encode("cp1252"))[0] in {text, text.encode("cp1252").decode("utf-8", "replace")}
