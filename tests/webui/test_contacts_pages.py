"""Contacts as a person works with them in the pages."""

import io
import re
from uuid import UUID

import pytest

from appliance.core.web import Authenticator, create_app
from appliance.domains import conversations
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.contacts import actions
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.types import Channel
from appliance.domains.identity import actions as identity
from appliance.entrypoints.boot import BoxAuthenticator
from tests.webui.conftest import ANA, PASSWORD
from tests.webui.test_people_pages import Browser
from webui import branding, shell

pytestmark = pytest.mark.only_database("sqlite")
SHEET = """Nome;Telefone;E-mail;Cidade
Beatriz Nogueira;(11) 95512-0148;bia@manaca.example;São Paulo
;;;
Otávio Ferraz;;nao-e-email;Campinas
"""


@pytest.fixture
def ana_at_home(box):
    branding.forget_all()
    box.provide(Authenticator, BoxAuthenticator())
    identity.set_up_from_console(box, ANA)
    browser = Browser(create_app(box, register=shell.register, error_page=shell.error_page))
    browser.send("/login", "/login", email=ANA.email, password=PASSWORD)
    return browser


@pytest.fixture
def known(box, ana_at_home):
    """Makes a contact of Ana's company."""
    tenant_id = re.search(r'name="live-scope" content="(\w+)\.', ana_at_home.get("/").text)[1]
    def make(**fields):
        with box.unit(UUID(tenant_id)) as uow:
            return actions.create_contact(uow, ContactFields(**fields)).id

    return make


def test_somebody_without_a_name_is_called_by_the_phone_among_the_contacts_as_in_the_inbox(ana_at_home, known):
    whose = known(phone="11 95512-0148", email="bia@manaca.example", company="Manacá")
    nobody = known(email="", company="")
    for address in ("/contacts", "/search?q=manaca"):
        assert "+55 11 95512-0148" in ana_at_home.get(address).text
    assert "<h1>+55 11 95512-0148" in ana_at_home.get(f"/contacts/{whose}").text
    assert f"Contato sem nome {nobody.hex[-4:].upper()}" in ana_at_home.get("/contacts").text


def test_the_page_of_somebody_blocked_says_so_and_where(box, ana_at_home):
    tenant_id = UUID(re.search(r'name="live-scope" content="(\w+)\.', ana_at_home.get("/").text)[1])
    with box.unit(tenant_id) as uow:
        desk, _other = (channels.create_channel(uow, ChannelIn(kind="simulator", name=name)).id for name in ("Balcão", "Loja"))
    with box.unit(tenant_id) as uow:
        talk = channels.receive_simulated(uow, desk, visitor="bia", name="Beatriz", text="oi")
        page = f"/contacts/{conversations.queries.get_conversation(uow, talk).contact_id}"
    assert "Bloqueado" not in ana_at_home.get(page).text
    with box.unit(tenant_id) as uow:
        conversations.actions.block(uow, talk)
    said = ana_at_home.get(page).text
    assert ("Bloqueado em Balcão" in said, "Bloqueado em Loja" in said) == (True, False)


def test_a_refused_contact_keeps_every_field_as_it_was_typed(ana_at_home):
    typed = {"name": "Beatriz", "phone": "12", "email": "nada", "tags": "a, b", "company": "Padaria", "born_on": "31/31/2020"}
    page = ana_at_home.send("/contacts/new", "/contacts/new", **typed)
    assert page.status_code == 422
    assert all(f'value="{value}"' in page.text for value in typed.values())
    assert 'aria-invalid="true"' in page.text


def test_a_contact_with_only_a_phone_is_enough_and_is_found_by_part_of_it(ana_at_home):
    made = ana_at_home.send("/contacts/new", "/contacts/new", phone="(11) 95512-0148")
    assert made.status_code == 302
    assert "+55 11 95512-0148" in ana_at_home.get(made.headers["Location"]).text
    assert made.headers["Location"] in ana_at_home.get("/contacts?q=95512").text


def test_the_second_of_two_who_edit_is_told_and_loses_nothing(ana_at_home, known):
    address = f"/contacts/{known(name='Beatriz')}/edit"
    version = re.search(r'name="version" value="(\d+)"', ana_at_home.get(address).text)[1]
    assert ana_at_home.send(address, address, name="Beatriz N.", version=version).status_code == 302
    second = ana_at_home.send(address, address, name="Bia", version=version)
    assert second.status_code == 409
    assert 'value="Bia"' in second.text
    assert "Alguém mudou este contato" in second.text


def test_what_people_type_is_shown_as_text_and_never_runs(ana_at_home, known):
    name = "<img src=x onerror=alert(1)>"
    contact_id = known(name=name, company='"><script>alert(2)</script>')
    for address in ("/contacts", f"/contacts/{contact_id}", f"/contacts/{contact_id}/edit", "/"):
        page = ana_at_home.get(address).text
        assert "<img src=x" not in page
        assert "<script>alert" not in page


def test_a_merge_can_be_undone_from_the_page(ana_at_home, known):
    kept, gone = known(name="Beatriz Nogueira", email="bia@manaca.example"), known(name="Bia", phone="+5511955120148")
    ana_at_home.send(f"/contacts/{kept}", f"/contacts/{kept}/merge", other_id=str(gone))
    assert ana_at_home.get(f"/contacts/{gone}").headers["Location"] == f"/contacts/{kept}"
    merged = ana_at_home.get(f"/contacts/{kept}").text
    assert "+55 11 95512-0148" in merged
    undo = re.search(r'action="(/contacts/[\w-]+/merges/[\w-]+/undo)"', merged)[1]
    ana_at_home.send(f"/contacts/{kept}", undo)
    assert ana_at_home.get(f"/contacts/{gone}").status_code == 200


def test_where_a_consent_was_said_is_told_in_words(box, ana_at_home, known):
    contact_id = known(name="Bia")
    tenant_id = UUID(re.search(r'name="live-scope" content="(\w+)\.', ana_at_home.get("/").text)[1])
    with box.unit(tenant_id) as uow:
        actions.opt_out(uow, contact_id, Channel.WHATSAPP, source="message", evidence={})
    assert "consentimento · em uma mensagem da pessoa · " in ana_at_home.get(f"/contacts/{contact_id}").text


def test_consent_of_a_minor_for_marketing_is_refused_with_a_sentence(ana_at_home, known):
    address = f"/contacts/{known(name='Davi', born_on='2015-05-01')}"
    refused = ana_at_home.send(
        address, f"{address}/consents", mode="opt_in", purpose="marketing", channel="whatsapp", lawful_basis="consent", evidence="feira"
    )
    assert refused.status_code == 422
    assert "menor de idade" in refused.text


def test_a_file_is_checked_then_imported_and_says_which_rows_need_a_look(ana_at_home, run_deliveries):
    token = re.search(r'name="csrf-token" content="([^"]+)"', ana_at_home.get("/contacts/import").text)[1]
    uploaded = ana_at_home.client.post(
        "/api/v1/contacts/import", data={"file": (io.BytesIO(SHEET.encode()), "clientes.csv")}, headers={"X-CSRF-Token": token}
    )
    address = f"/contacts/import/{uploaded.json['id']}"
    columns = {"column-0": "name", "column-1": "phone", "column-2": "email", "column-3": "region"}
    ana_at_home.send(address, address, **columns, tags="feira, vip", dry_run="1")
    run_deliveries()
    checked = ana_at_home.get(address).text
    assert "Nada foi gravado" in checked
    assert 'id="import-run"' in checked, "the page that waited for the check finds nothing to show"
    kept = re.search(r'<input[^>]*name="tags"[^>]*>', checked)[0]
    assert 'value="feira, vip"' in kept, "what was typed is gone after the check, and the people come in without it"
    assert "Nenhum contato ainda" in ana_at_home.get("/contacts").text
    ana_at_home.send(address, address, **columns, tags="feira")
    run_deliveries()
    done = ana_at_home.get(address).text
    assert "Linhas para conferir" in done
    assert "A pessoa foi mantida, com este campo vazio" in done
    assert re.search("<td[^>]*>E-mail</td>", done)
    contacts = ana_at_home.get("/contacts?tag=feira").text
    assert "Beatriz Nogueira" in contacts
    assert "Otávio Ferraz" in contacts
    assert "2 pessoas" in contacts


@pytest.mark.parametrize("query", ["page=0", "page=x", "sort=age", "consent=maybe", f"tag={'a' * 100}", f"q={'a' * 300}", "limit=100000"])
def test_an_address_somebody_bent_is_refused_in_words(ana_at_home, query):
    page = ana_at_home.get(f"/contacts?{query}")
    assert page.status_code == 422
    assert "<h1>" in page.text


@pytest.mark.parametrize("query", ["tab=merged", "state=nothing"])
def test_a_tab_of_duplicates_that_there_is_not_leads_to_the_first(ana_at_home, query):
    page = ana_at_home.get(f"/contacts/duplicates?{query}")
    assert page.status_code == 200
    assert re.search(r'state=open"[^>]*aria-current', page.text)


def test_too_long_a_tag_for_an_import_is_refused_in_words(ana_at_home):
    token = re.search(r'name="csrf-token" content="([^"]+)"', ana_at_home.get("/contacts/import").text)[1]
    uploaded = ana_at_home.client.post(
        "/api/v1/contacts/import", data={"file": (io.BytesIO(SHEET.encode()), "clientes.csv")}, headers={"X-CSRF-Token": token}
    )
    address = f"/contacts/import/{uploaded.json['id']}"
    assert ana_at_home.send(address, address, tags="a" * 100).status_code == 422


@pytest.mark.browser
def test_on_a_phone_where_a_column_goes_is_seen_whole(ana, new_context):
    page = new_context(ana, viewport={"width": 390, "height": 800}).new_page()
    page.goto("/contacts/import")
    page.set_input_files("input[type=file]", {"name": "clientes.csv", "mimeType": "text/csv", "buffer": SHEET.encode()})
    page.locator("main form button[type=submit]").click()
    page.locator("#import-run").wait_for()
    assert page.evaluate("(wrap => wrap.scrollWidth <= wrap.clientWidth)(document.querySelector('#import-run .table-wrap'))")


def test_the_first_of_many_notes_is_shown_whole_on_the_last_page(box, ana_at_home, known):
    contact_id = known(name="Bia")
    tenant_id = UUID(re.search(r'name="live-scope" content="(\w+)\.', ana_at_home.get("/").text)[1])
    with box.unit(tenant_id) as uow:
        for number in range(201):
            actions.add_note(uow, contact_id, f"{'longa ' * 40}fim da nota {number}.")
    newest, oldest = (ana_at_home.get(f"/contacts/{contact_id}?limit=100&page={page}").text for page in (1, 3))
    assert ("fim da nota 200." in newest, "Mais novos" in newest, "Mais antigos" in newest) == (True, False, True)
    assert ("fim da nota 0." in oldest, "Mais novos" in oldest, "Mais antigos" in oldest) == (True, True, False)
