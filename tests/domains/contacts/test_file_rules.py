"""Tables in, tables out."""

import csv
import io
from contextlib import suppress
from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.rules import exporting, importing, spreadsheets
from appliance.domains.contacts.rules.text import tidy_tags
from appliance.domains.contacts.types import Identity, IdentityKind, ImportRow, ImportTarget

FORMULAS = ["=1+1", "+SUM(A1)", "-cmd|' /C calc'!A0", "@import", "\tx", "\rx"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_is_never_a_formula(text):
    assert spreadsheets.safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Ana", "+5511988887777", "-12,50", "", "12.5"])
def test_words_and_numbers_are_written_as_they_are(value):
    assert spreadsheets.safe_cell(value) == value


def test_nothing_is_an_empty_cell():
    assert spreadsheets.safe_cell(None) == ""


@given(st.text() | st.sampled_from(FORMULAS) | st.text().map(lambda text: f"'={text}"))
def test_what_is_exported_can_be_imported_again(text):
    assert spreadsheets.plain_cell(spreadsheets.safe_cell(text)) == text


@given(st.text())
def test_no_spreadsheet_runs_a_cell(text):
    assert spreadsheets.safe_cell(text)[:1] not in set("=@\t\r")


def sheet(text, encoding="utf-8"):
    return spreadsheets.read_sheet(text.encode(encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_any_usual_encoding_and_delimiter_is_read(encoding, delimiter):
    found = sheet(delimiter.join(["nome", "região"]) + "\r\n" + delimiter.join(["João", "MG"]) + "\r\n\r\n", encoding)
    assert (found.headers, found.sample, found.rows) == (["nome", "região"], [["João", "MG"]], 1)


def test_one_column_is_a_table_too():
    assert sheet("email\na@b.example\n").delimiter == ","


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a\x00b,c\n1,2", b",".join([b"x"] * 201), b"\xff\xfea", b'a,"' + b"x" * 200_000])
def test_what_is_no_table_is_refused(content):
    with pytest.raises(InvalidField):
        spreadsheets.read_sheet(content)


def test_a_table_of_nothing_but_headers_is_refused_in_words():
    with pytest.raises(InvalidField) as refused:
        spreadsheets.read_sheet(b"nome;fone\n \n")
    assert "no row below" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("lista.xlsx", b"so um texto\n", "“lista.xlsx” holds plain text and no table"),
        ("lista.xls", b"<html><table><tr><td>nome</td></tr>\n<tr><td>Ana</td></tr></table></html>", "a web page or XML"),
        ("lista.xlsx", b" \n", "is empty"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused_by_what_it_is(name, content, said):
    with pytest.raises(InvalidField) as refused:
        spreadsheets.read_sheet(content, name)
    assert said in str(refused.value)


def test_a_table_in_text_is_read_whatever_its_name_says():
    assert spreadsheets.read_sheet(b"nome;fone\nAna;1\n", "lista.xlsx").headers == ["nome", "fone"]


@pytest.mark.parametrize("content", [b"PK\x03\x04\x14\x00", b"\xd0\xcf\x11\xe0\xa1\xb1", b"MZ\x90\x00", b"a;b\n\x00\x01;2\n"])
def test_a_workbook_or_a_program_is_told_to_become_csv(content):
    with pytest.raises(InvalidField) as refused:
        spreadsheets.read_sheet(content)
    assert "Save it as .xlsx or CSV" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "line"),
    [(b'nome,fone\nAna,1\nBia,"2\nCid,3\nDea,4\n', 3), (b'nome;fone\n"Ana;1\nBia;2', 2), (b'"nome\nAna\n', 1), (b'nome\n"a\nb"\n"c\n', 4)],
)
def test_a_quotation_that_never_ends_is_refused_with_its_line(content, line):
    with pytest.raises(InvalidField) as refused:
        spreadsheets.read_sheet(content)
    assert f"line {line} " in str(refused.value)


@pytest.mark.parametrize("content", [b'nome,nota\nAna,"disse ""oi"""\n', b'nome,nota\nAna,tela de 50"\n', b'nome\n"duas\nlinhas"'])
def test_quotations_that_end_are_read(content):
    assert spreadsheets.read_sheet(content).rows == 1


def test_rows_remember_their_line():
    rows = spreadsheets.iter_rows(b'nome\n\n"duas\nlinhas"\nAna\n', "utf-8", ",")
    assert [(row.line, row.cells) for row in rows] == [(1, ("nome",)), (4, ("duas\nlinhas",)), (5, ("Ana",))]


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("Nome completo", "name"), ("NOME", "name"), ("E-mail", "email"), ("e_mail", "email"), ("Celular", "phone"), ("WhatsApp", "phone"),
        ("CPF/CNPJ", "document"), ("Data de Nascimento", "born_on"), ("UF", "region"), ("Razão Social", "company"), ("Etiquetas", "tags"),
        ("ID", "external_id"), ("Sobrenome", "last_name"), ("Cor preferida", "attribute"), ("", "attribute"),
    ],
)  # fmt: skip
def test_columns_are_recognised_by_their_names(header, target):
    assert importing.guess_mapping([header]) == {header: target}


def test_a_second_column_of_the_same_kind_is_kept_as_an_attribute():
    assert list(importing.guess_mapping(["Celular", "Telefone", "tags", "Etiquetas"]).values()) == ["phone", "attribute", "tags", "tags"]


HEADERS = ["nome", "email", "celular", "nascimento", "tags", "cor", "id", "lixo"]
MAPPING = {**importing.guess_mapping(HEADERS), "lixo": ImportTarget.IGNORE}


def entry(*cells, mapping=MAPPING, headers=HEADERS, tags=()):
    return importing.read_entry(ImportRow(2, cells), headers, mapping, region="BR", tags=tags)


def test_a_row_becomes_a_contact():
    read = entry("Ana", "Ana@X.example", "11 98888-7777", "31/12/1990", "VIP; sul", "azul", "42", "x", tags=["feira"])
    assert read.columns == {
        "name": "Ana", "email": "ana@x.example", "phone_raw": "11 98888-7777", "phone_e164": "+5511988887777", "phone_invalid": False,
        "born_on": date(1990, 12, 31), "tags": ["feira", "sul", "vip"], "attributes": {"cor": "azul"},
    }  # fmt: skip
    assert [identity.kind for identity in read.identities] == ["external", "email", "phone"]


def test_first_and_last_name_make_one():
    headers = ["sobrenome", "primeiro nome"]
    assert entry("Souza", "Ana", headers=headers, mapping=importing.guess_mapping(headers)).columns["name"] == "Ana Souza"


def test_a_whole_name_wins_over_its_parts():
    headers = ["nome", "sobrenome"]
    assert entry("Ana Souza", "Souza", headers=headers, mapping=importing.guess_mapping(headers)).columns["name"] == "Ana Souza"


def test_a_flagged_phone_is_enough_to_keep_a_row():
    found = entry("", "", "123")
    assert (found.columns["phone_invalid"], [(err.field, "123" in str(err)) for err in found.doubtful]) == (True, [("phone", True)])


@pytest.mark.parametrize(("cells", "field"), [(("Ana", "nonsense"), "email"), (("Ana", "", "", "amanhã"), "born_on")])
def test_a_cell_nobody_can_read_is_left_empty_and_named(cells, field):
    found = entry(*cells)
    assert ([err.field for err in found.unreadable], found.columns["name"], field in found.columns) == ([field], "Ana", False)


@pytest.mark.parametrize(("cells", "field"), [(("", "", "", "", "vip", "azul"), "name"), (("", "nonsense"), "email")])
def test_a_row_that_cannot_be_kept_names_the_field(cells, field):
    with pytest.raises(InvalidField) as refused:
        entry(*cells)
    assert refused.value.field == field


@pytest.mark.parametrize("called", ["Total", "TOTAL GERAL:", "Subtotal (12)", "Soma", "Sub-total"])
def test_the_sum_under_a_sheet_is_nobody(called):
    with pytest.raises(InvalidField, match="sum of the others"):
        entry(called, "", "", "", "vip", "1.250,00")


@pytest.mark.parametrize("cells", [("Total Energia",), ("Total", "v@total.example"), ("Total", "", "11 98888-7777"), ("Soma", "", "123")])
def test_who_is_called_like_a_sum_or_can_be_reached_stays(cells):
    assert entry(*cells).columns["name"] == cells[0]


@pytest.mark.parametrize("written", ["1990-12-31", "31/12/90", "31-12-1990", "31.12.1990"])
def test_dates_are_read_as_people_write_them(written):
    assert entry("Ana", "", "", written).columns["born_on"] == date(1990, 12, 31)


@given(st.lists(st.text(max_size=30), max_size=9))
def test_no_row_breaks_the_import(cells):
    with suppress(InvalidField):
        assert entry(*cells).columns["tags"] == tidy_tags(entry(*cells).columns["tags"])


def planned(*entries, owners=None):
    return importing.plan(entries, owners or {}, uuid4)


def test_two_rows_of_one_person_make_one_contact():
    plan = planned(entry("Ana", "ana@x.example"), entry("", "ANA@x.example", "11 98888-7777", tags=["b"]), entry("", "", "11 8888-7777"))
    (columns,) = plan.new.values()
    assert (columns["name"], columns["phone_e164"], columns["tags"]) == ("Ana", "+5511988887777", ["b"])
    assert (len(plan.claims), plan.rows_updated) == (2, 2)


def test_a_known_person_is_completed_and_gets_new_ids():
    known = UUID(int=7)
    plan = planned(entry("Ana", "ana@x.example", "11 98888-7777"), owners={Identity(IdentityKind.EMAIL, "ana@x.example"): known})
    assert (plan.new, [contact_id for contact_id, _ in plan.known]) == ({}, [known])
    assert plan.claims == {Identity(IdentityKind.PHONE, "+5511988887777"): known}


def test_rows_without_ids_are_people_apart():
    assert len(planned(entry("Ana"), entry("Ana")).new) == 2


def test_an_exported_line_reads_back():
    names = next(csv.reader(io.StringIO(exporting.HEADER.removeprefix(exporting.BYTE_ORDER_MARK))))
    contact = dict.fromkeys(names) | {"name": "=Ana", "tags": ["a", "b"], "attributes": {"cor": "azul"}}
    cells = dict(zip(names, next(csv.reader(io.StringIO(exporting.line(contact)))), strict=True))
    assert (cells["name"], cells["tags"], cells["attributes"], cells["email"]) == ("'=Ana", "a, b", '{"cor": "azul"}', "")
    assert exporting.line(contact | {"attributes": {}}).count("{") == 0
