"""Rows, denials, follow-ups."""

import pytest

from appliance.domains.knowledge.rules import asking, columns, polarity, units
from appliance.domains.knowledge.types import Block, BlockKind

ROW = "Código: 7; Produto: Cadeira azul; Embalagem: caixa; Preço à vista: R$ 90,00; Preço a prazo: R$ 99,00; Estoque: 3"


def test_a_long_row_shows_what_was_asked_of_it() -> None:
    assert columns.shown(ROW, asking.read("quanto custa a cadeira azul?", "pt"), "pt") == (
        "Produto: Cadeira azul; Preço à vista: R$ 90,00; Preço a prazo: R$ 99,00; Embalagem: caixa"
    )
    assert "Estoque: 3" in columns.shown(ROW, asking.read("tem cadeira azul em estoque?", "pt"), "pt")


def test_a_short_row_and_one_asked_for_nothing_in_particular_stay_whole() -> None:
    assert columns.shown("Loja: Centro; Telefone: 5555-0100", asking.read("qual o telefone do centro?", "pt"), "pt").startswith("Loja")
    assert columns.shown(ROW, asking.read("cadeira azul", "pt"), "pt") == ROW


@pytest.mark.parametrize(("cell", "shown"), [("168,9", "R$ 168,90"), ("182", "R$ 182,00"), ("1190", "R$ 1.190,00"), ("98.7", "R$ 98,70")])
def test_a_price_under_a_head_in_reais_is_written_as_money(cell: str, shown: str) -> None:
    assert units.row_text(("Preço (R$)",), (cell,)) == f"Preço: {shown}"


def test_other_cells_stay_as_written() -> None:
    assert units.row_text(("Preço (R$)", "Estoque"), ("sob consulta", "14")) == "Preço (R$): sob consulta; Estoque: 14"


def test_who_says_not_to_be_something_denies_it() -> None:
    member = polarity.denied("Para não associados, a taxa é outra.", "pt")
    assert polarity.denies_a_group("não sou associado, quanto pago?", "pt") & member
    assert not polarity.denied("Para associados, a taxa é outra.", "pt")
    assert polarity.denied("Non-members pay more.", "en")


@pytest.mark.parametrize("text", ["e no cartão?", "e pra fora da cidade?", "quanto custa ela?", "quanto tempo demora?", "and on Sundays?"])
def test_a_question_that_needs_what_was_said_continues_it(text: str) -> None:
    assert asking.continues(text, "en" if text.isascii() and text.startswith("and") else "pt")


@pytest.mark.parametrize("text", ["é permitido animais?", "oq precisa pra virar cooperado", "aceita cheque", "qual o horário de sábado?"])
def test_a_question_that_stands_alone_does_not_continue(text: str) -> None:
    assert not asking.continues(text, "pt")


@pytest.mark.parametrize("text", [
    "Atualizado em março de 2026.", "Última atualização: 12/03/2026", "Revisado em 3 de maio de 2026", "Last updated on May 3, 2026.",
])
def test_a_line_that_only_dates_the_document_is_never_quoted(text: str) -> None:
    assert not units.split([Block(BlockKind.PARAGRAPH, text)])


@pytest.mark.parametrize(("text", "quoted"), [
    ("R: Plantão até 22h.", "Plantão até 22h."), ("- Resposta: sim, em dois dias.", "sim, em dois dias."),
    ("► Abrimos cedo.", "Abrimos cedo."),
    ("R. Halfeld, 812.", "R. Halfeld, 812."), ("Updated prices.", "Updated prices."),
    ("Atualizado em março de 2026 o preço subiu.", "Atualizado em março de 2026 o preço subiu."),
])
def test_marks_of_lists_and_answers_are_not_quoted(text: str, quoted: str) -> None:
    assert [one.text for one in units.split([Block(BlockKind.PARAGRAPH, text)])] == [quoted]
