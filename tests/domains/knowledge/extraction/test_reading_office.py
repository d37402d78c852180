import io
import zipfile
from datetime import date

import docx
import openpyxl
import pptx
from docx.document import Document
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from openpyxl.comments import Comment
from openpyxl.worksheet.worksheet import Worksheet
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Cm

from appliance.domains.knowledge.types import BlockKind, ExtractionWarning
from tests.domains.knowledge.extraction.paper import block, read, repacked, texts

NOTES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
<w:footnote w:type="separator" w:id="-1"><w:p/></w:footnote>
<w:footnote w:id="2"><w:p><w:r><w:t>Salvo acordo escrito com a gerência.</w:t></w:r></w:p></w:footnote></w:footnotes>"""


def saved(document: object) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def policy() -> Document:
    document = docx.Document()
    document.core_properties.title, document.core_properties.author = "Política de trocas", "Ana"
    document.add_heading("Trocas", 1)
    document.add_paragraph("Trocamos em até trinta dias.")
    document.add_heading("Como pedir", 2)
    for step in ("Abra o chamado.", "Envie a foto."):
        document.add_paragraph(step, style="List Bullet")
    return document


def test_word_headings_paragraphs_and_lists() -> None:
    found = read(saved(policy()), "politica.docx")
    assert (found.title, found.author) == ("Política de trocas", "Ana")
    assert block(found, "trinta dias").heading_path == ("Trocas",)
    assert [part.heading_path for part in found.blocks if part.kind is BlockKind.LIST_ITEM] == [("Trocas", "Como pedir")] * 2


def test_word_tables_repeat_their_header_and_merged_cells() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=3)
    rows = [("Loja", "Dia", "Horário"), ("Centro", "sábado", "9h às 13h"), ("", "domingo", "fechada")]
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    assert texts(read(saved(document), "lojas.docx"), BlockKind.TABLE_ROW) == [
        "Loja: Centro; Dia: sábado; Horário: 9h às 13h", "Loja: Centro; Dia: domingo; Horário: fechada"]


def test_two_columns_without_a_header_are_pairs() -> None:
    document = docx.Document()
    table = document.add_table(rows=2, cols=2)
    table._tbl.tblPr.find(qn("w:tblLook")).set(qn("w:firstRow"), "0")
    for row, cells in zip(table.rows, [("Cor", "azul"), ("Material", "madeira")], strict=True):
        row.cells[0].text, row.cells[1].text = cells
    assert texts(read(saved(document), "ficha.docx")) == ["Cor: azul", "Material: madeira"]


def test_a_footnote_stands_beside_the_sentence_that_calls_it() -> None:
    document = policy()
    run = document.paragraphs[1].add_run()
    reference = OxmlElement("w:footnoteReference")
    reference.set(qn("w:id"), "2")
    run._r.append(reference)
    package = repacked(saved(document), word__footnotes_xml=NOTES.encode())
    relation = ('<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes" '
                'Target="footnotes.xml"/></Relationships>')
    package = with_relation(package, relation)
    found = read(package, "politica.docx")
    note, sentence = block(found, "acordo escrito"), block(found, "trinta dias")
    assert (note.kind, note.paragraph) == (BlockKind.FOOTNOTE, sentence.paragraph)


def with_relation(package: bytes, relation: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == "word/_rels/document.xml.rels":
                content = content.replace(b"</Relationships>", relation.encode())
            if member == "[Content_Types].xml":
                content = content.replace(b"</Types>", b'<Override PartName="/word/footnotes.xml" ContentType="application/vnd.'
                                                       b'openxmlformats-officedocument.wordprocessingml.footnotes+xml"/></Types>')
            new.writestr(member, content)
    return out.getvalue()


def test_deleted_and_struck_text_is_not_read_and_inserted_text_is() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("O prazo é de ")
    paragraph.add_run("7 dias").font.strike = True
    for tag, inner in (("del", "delText"), ("ins", "t")):
        run = f"<w:r><w:{inner}>{tag} 10 dias</w:{inner}></w:r>"
        paragraph._p.append(parse_xml(f'<w:{tag} {nsdecls("w")} w:id="1" w:author="x">{run}</w:{tag}>'))
    assert texts(read(saved(document), "prazo.docx")) == ["O prazo é de ins 10 dias"]


def test_what_the_header_of_a_word_document_says_is_kept_once() -> None:
    document = policy()
    document.sections[0].header.paragraphs[0].text = "Documento revogado em 2024"
    document.sections[0].footer.paragraphs[0].text = "Página 1 de 2"
    assert texts(read(saved(document), "politica.docx"), BlockKind.NOTE) == ["Documento revogado em 2024"]


def book(rows: list[list[object]]) -> tuple[openpyxl.Workbook, Worksheet]:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    for row in rows:
        sheet.append(row)
    return workbook, sheet


def test_the_header_of_a_sheet_is_found_below_its_title() -> None:
    rows = [["Cidade", "Frete", "Prazo"], ["Betim", 39.9, 3], ["Itu", 1250, 9]]
    workbook, sheet = book([["Tabela de fretes da loja"], ["vigente em 2026"], [], *rows])
    sheet.title = "fretes"
    sheet["B5"].number_format = sheet["B6"].number_format = '"R$" #,##0.00'
    found = read(saved(workbook), "fretes.xlsx")
    assert texts(found, BlockKind.TABLE_ROW) == ["Cidade: Betim; Frete: R$ 39,90; Prazo: 3", "Cidade: Itu; Frete: R$ 1.250,00; Prazo: 9"]
    assert texts(found, BlockKind.PARAGRAPH) == ["Tabela de fretes da loja", "vigente em 2026"]
    assert block(found, "Betim").heading_path == ("fretes",)
    assert block(found, "Betim").source == "fretes"


def test_values_are_written_as_the_cells_show_them() -> None:
    workbook, sheet = book([["Produto", "Desconto", "Até", "Ativo"], ["cadeira de escritório preta", 0.125, date(2026, 3, 9), True]])
    sheet["B2"].number_format, sheet["A2"].comment = "0.0%", Comment("só na loja", "Ana")
    assert texts(read(saved(workbook), "promo.xlsx"), BlockKind.TABLE_ROW) == [
        "Produto: cadeira de escritório preta (só na loja); Desconto: 12,5%; Até: 09/03/2026; Ativo: Sim"]


def test_two_header_rows_and_section_rows_name_what_stands_below() -> None:
    head = [["Produto", "Preço", None], ["", "À vista", "A prazo"]]
    workbook, sheet = book([*head, ["Cozinha"], ["fogão", 900, 990], ["Sala"], ["sofá", 1200, 1320]])
    sheet.merge_cells("B1:C1")
    found = read(saved(workbook), "precos.xlsx")
    assert block(found, "fogão").text == "Produto: fogão; Preço À vista: 900; Preço A prazo: 990"
    assert block(found, "sofá").heading_path[-1] == "Sala"


def test_hidden_sheets_and_formulas_without_values_are_told() -> None:
    workbook, sheet = book([["nome", "total"], ["loja", "=1+1"]])
    sheet.sheet_state = "hidden"
    workbook.create_sheet("vista").append(["aberto", "sim"])
    found = read(saved(workbook), "contas.xlsx")
    assert set(found.warnings) == {ExtractionWarning.HIDDEN_SHEETS, ExtractionWarning.FORMULAS_WITHOUT_VALUES}


def test_a_sheet_of_questions_is_read_as_questions_and_answers() -> None:
    workbook, _ = book([["Pergunta", "Resposta"], ["Vocês montam móveis?", "Sim, em todo o estado."], ["Há estacionamento?", "Não."]])
    found = read(saved(workbook), "faq.xlsx")
    assert texts(found, BlockKind.FAQ_ANSWER) == ["Sim, em todo o estado.", "Não."]
    assert block(found, "todo o estado").heading_path[-1] == "Vocês montam móveis?"


def deck() -> bytes:
    presentation = pptx.Presentation()
    first = presentation.slides.add_slide(presentation.slide_layouts[1])
    first.shapes.title.text = "Comissões"
    first.placeholders[1].text = "Pagas no dia 5\nSobre vendas entregues"
    first.notes_slide.notes_text_frame.text = "Lembrar do bônus de dezembro."
    second = presentation.slides.add_slide(presentation.slide_layouts[5])
    second.shapes.title.text = "Metas"
    table = second.shapes.add_table(2, 2, Cm(2), Cm(5), Cm(10), Cm(3)).table
    for place, text in {(0, 0): "Loja", (0, 1): "Meta", (1, 0): "Centro", (1, 1): "R$ 90 mil"}.items():
        table.cell(*place).text = text
    chart = CategoryChartData()
    chart.categories = ["2025"]
    chart.add_series("Vendas", (42.5,))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Cm(2), Cm(10), Cm(8), Cm(6), chart)
    return saved(presentation)


def test_slides_are_pages_with_title_items_tables_charts_and_notes() -> None:
    found = read(deck(), "treino.pptx")
    assert found.pages == 2
    assert texts(found, BlockKind.LIST_ITEM) == ["Pagas no dia 5", "Sobre vendas entregues"]
    assert block(found, "bônus").kind is BlockKind.NOTE
    assert block(found, "bônus").heading_path == ("Comissões",)
    assert block(found, "Centro").text == "Loja: Centro; Meta: R$ 90 mil"
    assert block(found, "Centro").page == 2
    assert block(found, "42.5").text == "2025; Vendas: 42.5"


def test_labels_with_colons_are_pairs_even_in_a_table_with_a_header_look() -> None:
    workbook, _ = book([["Endereço:", "Rua A, 10"], ["Telefone:", "5555-0100"]])
    assert texts(read(saved(workbook), "contato.xlsx"), BlockKind.TABLE_ROW) == ["Endereço: Rua A, 10", "Telefone: 5555-0100"]
