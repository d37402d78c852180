import re

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domains.knowledge.types import BlockKind
from tests.domains.knowledge.extraction.paper import Page, block, pdf, read, texts

PROSE = ["A loja abre de segunda a sexta, das nove da manhã às seis da", "tarde, e aos sábados até o meio-dia. Feriados têm aviso no site."]

CELLS = ["Fogão", "Sofá", "12 dias", "R$ 9,90", "azul e branco"]


def paragraphs(page: Page, *, top: float = 120) -> Page:
    return page.lines(60, top, PROSE).lines(60, top + 60, ["Todas as lojas têm estacionamento."])


def test_lines_of_a_paragraph_are_joined_and_know_their_page() -> None:
    found = read(pdf(paragraphs(Page()), Page().lines(60, 120, ["Outra página começa aqui."])), "loja.pdf")
    assert found.pages == 2
    assert block(found, "segunda").text == " ".join(PROSE)
    assert block(found, "Outra página").page == 2


def test_larger_or_bold_lines_are_headings_and_nest_by_size() -> None:
    page = Page().text(60, 60, "Guia da Loja", size=20).text(60, 100, "Entregas", size=14, bold=True)
    page.lines(60, 130, PROSE).text(60, 200, "Prazo", bold=True).lines(60, 220, PROSE).text(60, 280, "Trocas", size=14, bold=True)
    found = read(pdf(page.lines(60, 310, PROSE)), "guia.pdf")
    assert texts(found, BlockKind.HEADING) == ["Guia da Loja", "Entregas", "Prazo", "Trocas"]
    paths = [part.heading_path for part in found.blocks if part.kind is BlockKind.PARAGRAPH]
    assert paths == [("Guia da Loja", "Entregas"), ("Guia da Loja", "Entregas", "Prazo"), ("Guia da Loja", "Trocas")]


def test_two_columns_are_read_one_after_the_other() -> None:
    left = [f"esquerda {number} com palavras que enchem toda a coluna" for number in range(12)]
    right = [f"direita {number} com palavras que enchem toda a coluna" for number in range(12)]
    page = Page().text(60, 60, "Título que atravessa as duas colunas da página inteira", size=16)
    found = read(pdf(page.lines(50, 110, left, size=9).lines(310, 110, right, size=9)), "colunas.pdf")
    order = re.findall(r"(esquerda|direita) (\d+)", " ".join(texts(found)))
    assert order == [("esquerda", str(n)) for n in range(12)] + [("direita", str(n)) for n in range(12)]


def test_running_heads_and_page_numbers_are_left_out_but_what_they_say_is_kept_once() -> None:
    pages = [paragraphs(Page().text(60, 30, "Manual 2026 - REVOGADO", size=8).text(500, 820, f"Página {n}", size=8)) for n in range(1, 5)]
    found = read(pdf(*pages), "manual.pdf")
    assert texts(found, BlockKind.NOTE) == ["Manual 2026 - REVOGADO"]
    assert not any("Página" in text for text in texts(found))


def test_numbers_in_the_margin_that_do_not_count_pages_stay() -> None:
    pages = [paragraphs(Page().text(60, 30, f"Sala {number} fica no térreo")) for number in (7, 3, 8)]
    assert [text for text in texts(read(pdf(*pages), "salas.pdf")) if "Sala" in text] == [
        "Sala 7 fica no térreo", "Sala 3 fica no térreo", "Sala 8 fica no térreo"]


def test_a_table_of_contents_is_left_out() -> None:
    contents = Page().text(60, 60, "Sumário", size=16, bold=True)
    for number, title in enumerate(("Entregas", "Trocas", "Garantia", "Contato")):
        contents.text(60, 100 + 20 * number, f"{number + 1} {title} " + ". " * 40 + str(number + 2))
    found = read(pdf(contents, *(paragraphs(Page()) for _ in range(5))), "manual.pdf")
    assert not any(". . ." in text or text == "Sumário" for text in texts(found))


def test_ruled_table_rows_carry_their_column_names() -> None:
    rows = [["Produto", "Preço", "Prazo"], ["Fogão", "R$ 899,00", "5 dias"], ["Sofá", "R$ 1.249,90", "12 dias"]]
    found = read(pdf(Page().lines(60, 80, PROSE).grid(60, 140, [150, 100, 100], rows)), "precos.pdf")
    assert texts(found, BlockKind.TABLE_ROW) == [
        "Produto: Fogão; Preço: R$ 899,00; Prazo: 5 dias", "Produto: Sofá; Preço: R$ 1.249,90; Prazo: 12 dias"]
    assert block(found, "Fogão").cells == ("Fogão", "R$ 899,00", "5 dias")
    assert block(found, "Fogão").table_header == ("Produto", "Preço", "Prazo")


def test_a_table_that_goes_on_inherits_its_header() -> None:
    widths, head = [150, 100, 100], ["Produto", "Preço", "Prazo"]
    first = [head, *([f"Item {n}", f"R$ {n},00", "5 dias"] for n in range(1, 4))]
    bare = [["Item 4", "R$ 4,00", "5 dias"], ["Item 5", "R$ 5,00", "5 dias"]]
    repeated = [head, ["Item 6", "R$ 6,00", "5 dias"]]
    start = Page().lines(60, 80, PROSE).grid(60, 600, widths, first)
    found = read(pdf(start, Page().grid(60, 60, widths, bare), Page().grid(60, 60, widths, repeated)), "p.pdf")
    rows = [part for part in found.blocks if part.kind is BlockKind.TABLE_ROW]
    assert [part.text for part in rows] == [f"Produto: Item {n}; Preço: R$ {n},00; Prazo: 5 dias" for n in range(1, 7)]
    assert [part.page for part in rows] == [1, 1, 1, 2, 2, 3]


def test_a_table_without_lines_is_found_by_its_columns() -> None:
    page = Page().lines(60, 80, PROSE)
    rows = [
        ("Cidade", "Frete", "Prazo"), ("Contagem", "R$ 29,90", "2 dias"), ("Betim", "R$ 39,90", "3 dias"), ("Itu", "R$ 59,90", "9 dias"),
    ]
    for number, row in enumerate(rows):
        for x, cell in zip((60, 220, 340), row, strict=True):
            page.text(x, 160 + 16 * number, cell)
    found = read(pdf(page), "frete.pdf")
    assert "Cidade: Betim; Frete: R$ 39,90; Prazo: 3 dias" in texts(found, BlockKind.TABLE_ROW)


def test_a_word_cut_at_the_end_of_a_line_is_whole_again() -> None:
    page = Page().lines(60, 80, ["O atendimento acontece na loja e a garan-", "tia cobre defeitos. A garantia vale um ano."])
    page.lines(60, 160, ["Vendemos guarda-roupa, e cada guarda-", "roupa tem montagem grátis."])
    found = read(pdf(page), "hifen.pdf")
    assert "a garantia cobre defeitos" in block(found, "atendimento").text
    assert "cada guarda-roupa tem" in block(found, "Vendemos").text


def test_a_paragraph_goes_on_over_the_page() -> None:
    first = Page().lines(60, 760, ["O prazo de entrega para a região metropolitana é de cinco dias úteis e"])
    found = read(pdf(first, Page().lines(60, 60, ["pode chegar a dez no fim do ano."])), "prazo.pdf")
    assert block(found, "prazo de entrega").text.endswith("úteis e pode chegar a dez no fim do ano.")


def test_bulleted_and_numbered_lines_are_items_of_one_passage() -> None:
    page = Page().lines(60, 80, PROSE).lines(60, 140, ["- foto do produto", "- nota fiscal", "- número de série"])
    items = [part for part in read(pdf(page), "lista.pdf").blocks if part.kind is BlockKind.LIST_ITEM]
    assert [part.text for part in items] == ["foto do produto", "nota fiscal", "número de série"]
    assert len({part.paragraph for part in items}) == 1


def test_small_print_at_the_foot_is_a_footnote() -> None:
    page = paragraphs(Page()).text(60, 720, "1 Exceto produtos de mostruário.", size=8)
    assert texts(read(pdf(page), "nota.pdf"), BlockKind.FOOTNOTE) == ["1 Exceto produtos de mostruário."]


def test_a_bold_question_heads_its_answer() -> None:
    page = Page().lines(60, 80, PROSE).text(60, 140, "Vocês entregam aos domingos?", bold=True)
    page.lines(60, 160, ["Não entregamos aos domingos."])
    found = read(pdf(page), "faq.pdf")
    assert block(found, "Não entregamos").kind is BlockKind.FAQ_ANSWER
    assert block(found, "Não entregamos").heading_path[-1] == "Vocês entregam aos domingos?"


def test_rotated_pages_are_read_upright() -> None:
    upright, turned = Page().lines(60, 120, PROSE), Page(rotation=180).lines(60, 120, PROSE)
    assert block(read(pdf(upright), "a.pdf"), "segunda").text == " ".join(PROSE)
    assert "segunda" in " ".join(texts(read(pdf(turned), "b.pdf")))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.sampled_from(CELLS), min_size=3, max_size=3), min_size=2, max_size=12))
def test_no_cell_of_a_ruled_table_is_lost(rows: list[list[str]]) -> None:
    found = read(pdf(Page().grid(60, 60, [160, 120, 120], [["Coluna um", "Coluna dois", "Coluna três"], *rows])), "t.pdf")
    said = " ".join(" ".join((*part.heading_path, *(part.cells or ()), part.text)) for part in found.blocks)
    assert all(cell in said for row in rows for cell in row)


def test_a_price_list_with_dot_leaders_is_no_table_of_contents() -> None:
    page = Page().text(60, 60, "Cardápio", size=16)
    for number, (dish, price) in enumerate((("Coxinha", 8), ("Pastel", 12), ("Suco", 9), ("Bolo", 7))):
        page.text(60, 100 + 18 * number, f"{dish} " + "." * 60 + f" {price}")
    said = " ".join(texts(read(pdf(page), "cardapio.pdf")))
    assert all(entry in said for entry in ("Coxinha … 8", "Pastel … 12", "Suco … 9", "Bolo … 7"))


def test_lines_of_one_cell_stay_together_in_a_table_without_lines() -> None:
    page = Page().lines(60, 60, PROSE)
    rows = [
        ("Serviço", "Preço", "Nota"), ("Banho", "R$ 50", "cão pequeno,"), ("Tosa", "R$ 70", "com hora"), ("Hotel", "R$ 90", "por noite,"),
    ]
    for number, row in enumerate(rows):
        for x, cell in zip((60, 220, 340), row, strict=True):
            page.text(x, 140 + 40 * number, cell)
        page.text(340, 140 + 40 * number + 13, "marcada antes" if number else "do balcão")
    assert "Serviço: Tosa; Preço: R$ 70; Nota do balcão: com hora marcada antes" in texts(read(pdf(page), "pet.pdf"), BlockKind.TABLE_ROW)


def test_marks_of_footnotes_are_not_digits_of_the_number_before_them() -> None:
    page = Page().text(60, 100, "O prazo sobe para 72 horas").text(196, 95, "1", size=6).text(203, 100, "nas encomendas grandes.")
    assert block(read(pdf(page), "nota.pdf"), "prazo").text.startswith("O prazo sobe para 72 horas¹ nas")
