"""People in an Excel file."""

import io
import sys
import zipfile
from datetime import UTC, date, datetime

import openpyxl
import pytest

from appliance.core.errors import Unavailable
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.api.files import read_table
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.gateways import workbook
from appliance.domains.contacts.gateways.workbook import child, limits, read_workbook
from appliance.domains.contacts.schemas import ContactsQuery, ImportStartIn
from appliance.domains.contacts.types import ImportStatus, ImportTarget


@pytest.fixture(scope="module")
def content():
    book = openpyxl.Workbook()
    book.active.title = "Vazia"
    sheet = book.create_sheet("Clientes")
    sheet.append(["Clientes da loja"])
    sheet.append(["Nome", "E-mail", "Celular", "CPF", "Nascimento", "Cor"])
    sheet.append(["Ana\nPrado", "ana@x.example", 11988887777, 52998224725, datetime(1990, 12, 31, tzinfo=UTC).replace(tzinfo=None), 1.5])
    sheet.append([])
    sheet.append(["Bia", "nada", 11955554444.0, None, date(1985, 1, 2), "azul; verde"])
    sheet.append([None, None, None, None, None, "ninguém"])
    sheet.cell(7, 1, "Caio").number_format = "@"
    cell = sheet.cell(7, 4, 191)
    cell.number_format = r"000\.000\.000\-00"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_the_first_sheet_that_holds_something_is_read_below_its_title(content):
    sheet = read_table(content)
    assert sheet.headers == ["Nome", "E-mail", "Celular", "CPF", "Nascimento", "Cor"]
    assert sheet.sample[0] == ["Ana Prado", "ana@x.example", "11988887777", "52998224725", "1990-12-31", "1.5"]
    assert (sheet.encoding, sheet.rows, len(sheet.sample)) == ("xlsx", 6, 4)


def test_a_workbook_becomes_contacts_with_its_own_rows_told(box, tenant_id, keep_file, run_deliveries, content):
    stored = keep_file(content)
    with box.unit(tenant_id) as uow:
        run = actions.create_import(uow, stored.id, "clientes.xlsx", read_table(content))
        assert run.mapping["CPF"] == ImportTarget.DOCUMENT
        actions.start_import(uow, run.id, ImportStartIn(dry_run=True))
    run_deliveries()
    with box.unit(tenant_id) as uow:
        assert (queries.get_import(uow, run.id).rows_created, queries.list_contacts(uow, ContactsQuery()).total) == (3, 0)
        actions.start_import(uow, run.id, ImportStartIn())
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        run = queries.get_import(uow, run.id)
        assert (run.status, run.rows_total, run.rows_done, run.rows_created, run.rows_failed) == (ImportStatus.DONE, 4, 4, 3, 1)
        assert [(found.line, found.field) for found in queries.list_import_problems(uow, run.id)] == [(5, "email"), (6, "name")]
        ana, bia, caio = queries.list_contacts(uow, ContactsQuery()).items
        assert (ana.name, ana.phone_e164, ana.document, ana.born_on) == ("Ana Prado", "+5511988887777", "52998224725", date(1990, 12, 31))
        assert (bia.phone_e164, bia.attributes, caio.document) == ("+5511955554444", {"Cor": "azul; verde"}, "00000000191")


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize("damaged", [zipped(), zipped(leiame="nada"), b"PK\x03\x04" + b"\x00" * 400])
def test_what_is_no_workbook_is_refused_with_a_sentence(damaged):
    with pytest.raises(InvalidField) as refused:
        read_table(damaged)
    assert "Excel" in str(refused.value)


def test_one_that_is_too_large_is_refused_and_an_import_of_it_ends(box, tenant_id, keep_file, run_deliveries, content, monkeypatch):
    stored = keep_file(content[: len(content) // 2])  # the rest of the file was lost
    with box.unit(tenant_id) as uow:
        run = actions.create_import(uow, stored.id, "clientes.xlsx", read_table(content))
        actions.start_import(uow, run.id, ImportStartIn())
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        run = queries.get_import(uow, run.id)
        assert (run.status, run.rows_done, run.file_id) == (ImportStatus.DONE, 0, None)
        assert [found.field for found in queries.list_import_problems(uow, run.id)] == ["file"]
    monkeypatch.setattr("appliance.domains.contacts.gateways.workbook.PATIENCE_S", 0.0)
    with pytest.raises(InvalidField, match="larger"):
        read_workbook(content)
    assert limits.CPU_S < limits.PATIENCE_S


def test_only_so_many_are_read_at_once(content, monkeypatch):
    monkeypatch.setattr(workbook, "TURN_S", 0.01)
    with workbook._turn(), workbook._turn(), pytest.raises(Unavailable, match="room"):
        read_workbook(content)
    assert read_workbook(content).rows


@pytest.mark.parametrize(("rows", "seconds"), [(50, 20), (0, 120)])
def test_a_look_at_the_first_rows_may_cost_less(rows, seconds, monkeypatch):
    asked = {}
    monkeypatch.setattr(child.confinement, "confine", asked.update)
    monkeypatch.setattr(child.confinement, "die_with_parent", lambda: None)
    monkeypatch.setattr(sys, "argv", ["child", str(rows)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert child.main() == limits.DAMAGED
    assert asked["cpu_seconds"] == seconds
