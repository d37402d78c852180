import pytest
from PIL import ImageDraw

from appliance.domains.knowledge.gateways.extraction.paged import picture as pictures
from appliance.domains.knowledge.gateways.extraction.paged import scans
from appliance.domains.knowledge.types import BlockKind
from tests.domains.knowledge.extraction.paper import picture, picture_pdf, png, read, texts

NOTICE = [
    (100, 100, 90, "AVISO AOS CLIENTES"), (100, 320, 48, "A loja fecha no dia 12 de outubro."),
    (100, 400, 48, "O atendimento volta no dia 13 pela manhã."),
]


@pytest.mark.parametrize("turn", [0, 2.5, -3.5, 90, 180])
def test_a_picture_is_read_however_it_was_laid_on_the_glass(turn: float) -> None:
    said = " ".join(texts(read(png(picture(NOTICE, turn=turn)), "aviso.png")))
    assert "12 de outubro" in said
    assert "13 pela manh" in said


def test_scanned_pages_of_a_pdf_are_read_with_their_headings() -> None:
    found = read(picture_pdf(picture(NOTICE)), "digitalizado.pdf")
    assert found.pages == 1
    assert texts(found, BlockKind.HEADING) == ["AVISO AOS CLIENTES"]


def test_a_table_drawn_on_a_scan_is_a_table() -> None:
    rows = [("Produto", "Prazo"), ("Forno", "12 meses"), ("Mesa", "24 meses")]
    page = picture([(100 + 600 * x + 20, 100 + 120 * y + 30, 50, cell) for y, row in enumerate(rows) for x, cell in enumerate(row)])
    pen = ImageDraw.Draw(page)
    for y in range(4):
        pen.line((100, 100 + 120 * y, 1300, 100 + 120 * y), fill=90, width=3)
    for x in range(3):
        pen.line((100 + 600 * x, 100, 100 + 600 * x, 460), fill=90, width=3)
    found = read(png(page), "tabela.png")
    assert [block.cells for block in found.blocks if block.kind is BlockKind.TABLE_ROW][-1] == ("Mesa", "24 meses")


@pytest.mark.parametrize("turn", [-4.0, -1.5, 0.0, 2.0])
def test_skew_is_measured(turn: float) -> None:
    page = picture([(100, 100 + 70 * line, 40, "palavras de uma linha qualquer do texto") for line in range(10)], turn=turn)
    assert pictures.skew(page) == pytest.approx(-turn, abs=0.3)


def test_letters_are_not_taken_for_drawn_lines() -> None:
    assert pictures.wiped(picture(NOTICE))[1] == []


def test_pages_recognised_together_say_what_each_says_alone() -> None:
    pages = [picture([(40, 40, 60, said)], size=(700, 160)) for said in ("12 meses", "24 meses")] + [picture([], size=(300, 160))]
    together = scans.recognised(pages, "6")
    assert [[word.text for word in page] for page in together] == [["12", "meses"], ["24", "meses"], []]
    assert together[1] == scans.recognised(pages[1:2], "6")[0]
