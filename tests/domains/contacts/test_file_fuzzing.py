"""Whatever is sent as a table ends as one, or with a sentence."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.rules import importing, spreadsheets

TABLE = "nome;telefone;e-mail;nascimento\nAna;11 98888-7777;ana@loja.local;01/02/1990\n"


def read_all(content):
    try:
        sheet = spreadsheets.read_sheet(content)
    except InvalidField:
        return
    mapping = {header: str(target) for header, target in importing.guess_mapping(sheet.headers).items()}
    rows = spreadsheets.iter_rows(content, sheet.encoding, sheet.delimiter)
    next(rows)
    for row in rows:
        try:
            importing.read_entry(row, sheet.headers, mapping, region="BR", tags=())
        except InvalidField:
            continue


@settings(max_examples=400)
@given(st.binary(max_size=3000))
def test_any_bytes(content):
    read_all(content)


@settings(max_examples=300)
@given(st.text(max_size=800), st.sampled_from(["utf-8", "utf-16", "utf-8-sig", "latin-1", "utf-32"]))
def test_any_text_in_any_encoding(text, encoding):
    read_all(text.encode(encoding, "replace"))


@settings(max_examples=300)
@given(st.integers(0, len(TABLE)), st.text(max_size=60) | st.sampled_from(['"', "\x00", "\r", ";" * 400]))
def test_a_table_with_something_in_the_middle(at, text):
    read_all((TABLE[:at] + text + TABLE[at:]).encode())


def test_a_workbook_is_refused_with_a_sentence_as_long_as_only_csv_is_read():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(InvalidField):
        spreadsheets.read_sheet(packed.getvalue())


def test_a_cell_of_a_million_letters_is_one_cell_or_refused():
    for cell in ("a" * 1_000_000, '"' * 200_001):
        content = f"nome;telefone\n{cell};1\n".encode()
        try:
            sheet = spreadsheets.read_sheet(content)
        except InvalidField:
            continue
        assert len(list(spreadsheets.iter_rows(content, sheet.encoding, sheet.delimiter))) == 2
