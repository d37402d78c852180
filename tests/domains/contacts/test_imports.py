"""A file of people on its way into the contacts."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from appliance.core import jobs as core_jobs
from appliance.core.errors import NotFound, Unavailable
from appliance.core.outbox import Delivery, DeliveryState
from appliance.domains.contacts import actions, jobs, queries, subscribers
from appliance.domains.contacts.errors import ImportNotFound, ImportRefused
from appliance.domains.contacts.rules import spreadsheets
from appliance.domains.contacts.schemas import ContactsQuery, ImportStartIn
from appliance.domains.contacts.types import ImportStatus
from tests.factories.contacts import make_contact

CSV = """nome;email;celular;tags;cor;cpf
Ana;ana@x.example;11 98888-7777;vip;azul;529.982.247-25
Bia;nonsense;11 95555-4444;;
;;;vip;
Caio;caio@x.example;123;;
Ana Souza;ANA@x.example;;sul;
Zé;;11 97777-6666;;verde
"""


@pytest.fixture
def upload(box, tenant_id, keep_file):
    def send(text=CSV):
        content = text.encode()
        stored = keep_file(content)
        with box.unit(tenant_id) as uow:
            return actions.create_import(uow, stored.id, "contatos.csv", spreadsheets.read_sheet(content))

    return send


@pytest.fixture
def bring_in(box, tenant_id, run_deliveries):
    def run(import_id, **wanted):
        with box.unit(tenant_id) as uow:
            actions.start_import(uow, import_id, ImportStartIn(**wanted))
        run_deliveries()
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.get_import(uow, import_id)

    return run


def counts(run):
    return run.rows_done, run.rows_created, run.rows_updated, run.rows_failed


def names(box, tenant_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return [contact.name for contact in queries.list_contacts(uow, ContactsQuery()).items]


def test_a_file_becomes_contacts(box, tenant_id, upload, bring_in):
    run = bring_in(upload().id, tags=["feira"])
    assert (run.status, counts(run), run.rows_total) == (ImportStatus.DONE, (6, 4, 1, 1), 6)
    assert names(box, tenant_id) == ["Ana", "Bia", "Caio", "Zé"]
    with box.unit(tenant_id, read_only=True) as uow:
        ana, _bia, caio, _ze = queries.list_contacts(uow, ContactsQuery()).items
        assert (ana.tags, ana.attributes, ana.phone_e164) == (["feira", "sul", "vip"], {"cor": "azul"}, "+5511988887777")
        assert (caio.phone_raw, caio.phone_invalid) == ("123", True)
        for q in ("988887777", "529.982.247-25"):
            assert [contact.name for contact in queries.list_contacts(uow, ContactsQuery(q=q)).items] == ["Ana"]


def test_rows_that_were_left_out_say_why(box, tenant_id, upload, bring_in):
    run = bring_in(upload().id)
    with box.unit(tenant_id, read_only=True) as uow:
        problems = [(problem.line, problem.field) for problem in queries.list_import_problems(uow, run.id)]
        assert problems == [(3, "email"), (4, "name"), (5, "phone")]
        assert [listed.id for listed in queries.list_imports(uow)] == [run.id]


def test_a_dry_run_counts_the_same_and_writes_nothing(box, tenant_id, upload, bring_in):
    uploaded = upload()
    tried = bring_in(uploaded.id, dry_run=True)
    assert (tried.status, counts(tried), names(box, tenant_id)) == (ImportStatus.UPLOADED, (6, 4, 1, 1), [])
    real = bring_in(uploaded.id)
    assert (real.status, counts(real), len(names(box, tenant_id))) == (ImportStatus.DONE, (6, 4, 1, 1), 4)
    with box.unit(tenant_id, read_only=True) as uow:
        assert len(queries.list_import_problems(uow, real.id)) == 3


TWICE = "nome;email\nAna;ana@x.example\nBia;bia@x.example\nAna Lima;ana@x.example\nCaio;\nDora;dora@x.example\nBia;bia@x.example\n"


@pytest.mark.parametrize("dies", [False, True])
def test_a_dry_run_counts_who_stands_in_two_slices_as_the_import_does(box, tenant_id, upload, bring_in, run_deliveries, monkeypatch, dies):
    monkeypatch.setattr(subscribers, "SLICE_ROWS", 2)
    with box.unit(tenant_id) as uow:
        make_contact(uow, name="Dora", email="dora@x.example", phone=None)
    uploaded, real, slices = upload(TWICE), actions.import_slice, []

    def dies_once(uow, *given):
        slices.append(given)
        real(uow, *given)
        if dies and len(slices) == 2:
            raise Unavailable("its worker is gone", retry_after=0.001)

    monkeypatch.setattr(actions, "import_slice", dies_once)
    bring_in(uploaded.id, dry_run=True)
    with box.whole_box("test") as uow:
        for owed in uow.session.scalars(select(Delivery).where(Delivery.state == DeliveryState.PENDING)):
            owed.next_at = uow.now
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        tried = queries.get_import(uow, uploaded.id)
    assert (tried.status, counts(tried), len(slices)) == (ImportStatus.UPLOADED, (6, 3, 3, 0), 4 if dies else 3)
    assert counts(bring_in(uploaded.id)) == (6, 3, 3, 0)


def test_an_import_that_failed_for_good_has_stopped(box, tenant_id, client, upload):
    def told():
        one, [listed] = client.get(f"/api/v1/contacts/import/{uploaded.id}").json, client.get("/api/v1/contacts/import").json
        assert one == listed
        return one["status"], one["stopped"]

    uploaded = upload()
    with box.unit(tenant_id) as uow:
        actions.start_import(uow, uploaded.id, ImportStartIn())
    assert told() == ("running", False)
    with box.unit(tenant_id) as uow:
        uow.session.scalars(select(Delivery)).one().state = DeliveryState.DEAD
    assert told() == ("running", True)
    with box.unit(tenant_id) as uow:
        actions.finish_import(uow, uploaded.id)
    assert told() == ("done", False)


def test_an_import_completes_known_contacts_and_overwrites_nothing(box, tenant_id, upload, bring_in):
    with box.unit(tenant_id) as uow:
        ana_id = make_contact(uow, name="Ana Lima", email="ana@x.example", phone=None).id
    assert counts(bring_in(upload().id)) == (6, 3, 2, 1)
    with box.unit(tenant_id, read_only=True) as uow:
        ana = queries.get_contact(uow, ana_id)
        assert (ana.name, ana.phone_e164, ana.tags) == ("Ana Lima", "+5511988887777", ["sul", "vip"])
        assert len(queries.list_identities(uow, ana_id)) == 2


def test_a_second_import_of_the_same_file_makes_nobody_twice(box, tenant_id, upload, bring_in):
    bring_in(upload().id)
    again = bring_in(upload().id)
    assert (counts(again), len(names(box, tenant_id))) == ((6, 0, 5, 1), 4)


def test_the_mapping_can_be_corrected(box, tenant_id, upload, bring_in):
    bring_in(upload("apelido;email\nNina;nina@x.example\n").id, mapping={"apelido": "name"})
    assert names(box, tenant_id) == ["Nina"]


def test_an_import_that_died_goes_on_where_it_stopped(box, tenant_id, upload, run_deliveries, monkeypatch):
    monkeypatch.setattr(subscribers, "SLICE_ROWS", 2)
    uploaded, slices = upload(), []
    real = actions.import_slice

    def dies_in_the_second(uow, import_id, rows, rehearsal):
        slices.append(len(rows))
        real(uow, import_id, rows, rehearsal)
        if len(slices) == 2:
            raise IntegrityError("a webhook was faster", None, ValueError())

    monkeypatch.setattr(actions, "import_slice", dies_in_the_second)
    with box.unit(tenant_id) as uow:
        actions.start_import(uow, uploaded.id, ImportStartIn())
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_import(uow, uploaded.id).rows_done == 2
    later = core_jobs.deliveries.LEASE + timedelta(seconds=30)
    with box.whole_box("test") as uow:
        for owed in uow.session.query(core_jobs.deliveries.Delivery):
            owed.next_at = uow.now - later
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        run = queries.get_import(uow, uploaded.id)
    assert (run.status, counts(run), slices) == (ImportStatus.DONE, (6, 4, 1, 1), [2, 2, 2, 2])
    assert len(names(box, tenant_id)) == 4


def test_a_bad_cell_costs_its_field_and_not_the_person(box, tenant_id, upload, bring_in):
    run = bring_in(upload("nome;email;celular;cpf;nascimento\nRui;sem-arroba;11 96666-5555;111;ontem\n;nada;;;\n").id)
    assert counts(run) == (2, 1, 0, 1)
    with box.unit(tenant_id, read_only=True) as uow:
        rui = queries.list_contacts(uow, ContactsQuery()).items[0]
        assert (rui.name, rui.email, rui.phone_e164, rui.document, rui.born_on) == ("Rui", None, "+5511966665555", None, None)
        problems = queries.list_import_problems(uow, run.id)
        said = sorted((problem.line, problem.field) for problem in problems)
        assert said == [(2, "born_on"), (2, "document"), (2, "email"), (3, "email")]
        assert sum("The person was kept" in problem.sentence for problem in problems) == 3


def test_the_file_goes_when_its_import_is_done(box, tenant_id, upload, bring_in, run_deliveries):
    uploaded = upload()
    assert bring_in(uploaded.id).file_id is None
    run_deliveries()
    with pytest.raises(NotFound):
        box.blobs.read_all(tenant_id, uploaded.file_id)


def test_an_import_runs_once(box, tenant_id, upload, bring_in):
    run = bring_in(upload().id)
    with box.unit(tenant_id) as uow, pytest.raises(ImportRefused):
        actions.start_import(uow, run.id, ImportStartIn())


def test_a_late_delivery_of_a_finished_import_does_nothing(box, tenant_id, upload, bring_in, run_deliveries):
    run = bring_in(upload().id)
    with box.unit(tenant_id) as uow:
        uow.emit(subscribers.ImportStarted(run.id))
    run_deliveries()
    assert len(names(box, tenant_id)) == 4


def test_abandoned_uploads_are_forgotten_after_a_week(box, tenant_id, upload, run_deliveries):
    old, fresh = upload(), upload()
    with box.unit(tenant_id) as uow:
        queries.get_import(uow, old.id).created_at -= timedelta(days=8)
    jobs.forget_abandoned_uploads(box)
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_import(uow, fresh.id)
        with pytest.raises(ImportNotFound):
            queries.get_import(uow, old.id)
    with pytest.raises(NotFound):
        box.blobs.read_all(tenant_id, old.file_id)
