"""Coming in, inviting, leaving: the forms as a browser sends them, cookies and tokens included."""

import re

import pytest

from appliance.core.web import Authenticator, create_app
from appliance.domains.identity import actions
from appliance.domains.identity.types import SESSION_COOKIE
from appliance.entrypoints.boot import BoxAuthenticator
from tests.webui.conftest import ANA, PASSWORD
from webui import branding, shell

pytestmark = pytest.mark.only_database("sqlite")
PAGE = {"Accept": "text/html", "Accept-Language": "pt-BR"}


class Browser:
    """A Flask test client that sends forms the way pages do: with the token of the page it came from."""

    def __init__(self, app):
        self.client = app.test_client()

    def get(self, address):
        return self.client.get(address, headers=PAGE)

    def send(self, page, address, **fields):
        token = re.search(r'name="csrf-token" content="([^"]+)"', self.get(page).text)[1]
        return self.client.post(address, data={**fields, "csrf_token": token}, headers=PAGE)


@pytest.fixture
def pages(box):
    branding.forget_all()
    box.provide(Authenticator, BoxAuthenticator())
    return create_app(box, register=shell.register, error_page=shell.error_page)


@pytest.fixture
def new_browser(pages):
    return lambda: Browser(pages)


@pytest.fixture
def ana_at_home(box, new_browser):
    actions.set_up_from_console(box, ANA)
    browser = new_browser()
    browser.send("/login", "/login", email=ANA.email, password=PASSWORD)
    return browser


def test_a_box_without_people_leads_to_set_up(new_browser):
    assert new_browser().get("/login").headers["Location"] == "/setup"
    assert new_browser().get("/").headers["Location"] == "/login"


def test_set_up_with_a_wrong_code_makes_nobody(box, new_browser):
    actions.create_setup_code(box)
    browser = new_browser()
    answer = browser.send(
        "/setup", "/setup", code="AAAA-BBBB-CCCC", person="Eva", email="eva@mau.example", password=PASSWORD, tenant="Má",
        locale="pt_BR", timezone="America/Sao_Paulo",
    )  # fmt: skip
    assert answer.status_code == 422
    assert "Este código não é válido" in answer.text
    assert PASSWORD not in answer.text
    assert browser.get("/").headers["Location"] == "/login"


def test_set_up_beside_the_demo_ends_in_the_new_company_and_offers_the_demo(box, new_browser):
    with box.whole_box("test") as uow:
        actions.create_tenant(uow, name="Sol Nascente (demo)").settings = {"demo": True}
    browser = new_browser()
    browser.send(
        "/setup", "/setup", code=actions.create_setup_code(box), person="Ana", email=ANA.email, password=PASSWORD,
        tenant="Solara Energia", locale="pt_BR", timezone="America/Sao_Paulo",
    )  # fmt: skip
    home = browser.get("/").text
    assert "Esta empresa é inventada" not in home
    assert "Ir para Sol Nascente (demo)" in home[home.index("Prefere dar uma olhada antes?"):]


def test_set_up_signs_in_and_the_second_one_is_told_it_is_done(box, new_browser):
    browser = new_browser()
    answer = browser.send(
        "/setup", "/setup", code=actions.create_setup_code(box), person="Ana", email=ANA.email, password=PASSWORD,
        tenant="Solara Energia", locale="pt_BR", timezone="America/Manaus",
    )  # fmt: skip
    assert answer.headers["Location"] == "/setup/brand"
    branded = browser.send("/setup/brand", "/setup/brand", name="Solara", own_colour="1", colour="#fff7b0")
    assert branded.headers["Location"] == "/setup/models"
    home = browser.get("/")
    assert "Solara" in home.text
    assert 'content="America/Manaus"' in home.text
    theme = re.search(r'href="(/theme/[^"]+)"', home.text)[1]
    assert "light-dark(#726a25, #fff7b0)" in browser.get(theme).text
    assert "já está configurada" in new_browser().get("/setup").text


def test_a_wrong_password_and_an_unknown_person_get_the_same_page(ana_at_home, new_browser):
    answers = [new_browser().send("/login", "/login", email=email, password="nada disso aqui") for email in (ANA.email, "x@y.example")]
    bodies = [re.sub(r'content="[0-9a-f]{64}"|value="[^"]*"', "", answer.text) for answer in answers]
    assert {answer.status_code for answer in answers} == {401}
    assert bodies[0] == bodies[1]
    assert "O e-mail ou a senha não confere" in answers[0].text


def test_signing_in_leads_back_to_the_page_that_was_wanted_and_never_elsewhere(ana_at_home, new_browser):
    browser = new_browser()
    assert browser.get("/contacts?q=ana").headers["Location"] == "/login?next=%2Fcontacts%3Fq%3Dana"
    wanted = browser.send("/login", "/login", email=ANA.email, password=PASSWORD, next="/contacts?q=ana")
    assert wanted.headers["Location"] == "/contacts?q=ana"
    elsewhere = new_browser().send("/login", "/login", email=ANA.email, password=PASSWORD, next="https://evil.example/")
    assert elsewhere.headers["Location"] == "/"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(ana_at_home, new_browser):
    cookie = new_browser().send("/login", "/login", email=ANA.email, password=PASSWORD).headers.getlist("Set-Cookie")
    session = next(each for each in cookie if each.startswith(SESSION_COOKIE))
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session


def test_signing_out_ends_the_session_on_the_box(ana_at_home, new_browser):
    stolen = ana_at_home.client.get_cookie(SESSION_COOKIE).value
    ana_at_home.send("/", "/logout")
    thief = new_browser()
    thief.client.set_cookie(SESSION_COOKIE, stolen)
    assert thief.get("/").headers["Location"] == "/login"


def test_an_invitation_brings_one_person_in_once(ana_at_home, new_browser):
    page = ana_at_home.send("/admin/members", "/admin/invitations", email="bruno@solara.example", role="agent").text
    link = re.search(r"http://localhost(/join/[\w-]+)", page)[1]
    bruno = new_browser()
    joined = bruno.send(link, link, email="bruno@solara.example", name="Bruno Dias", password="outra frase bem comprida")
    assert joined.headers["Location"] == "/"
    assert bruno.get("/contacts").status_code == 200
    assert bruno.get("/admin/members").status_code == 403
    assert "Bruno Dias" in ana_at_home.get("/admin/members").text
    assert new_browser().get(link).status_code == 410


def test_a_weak_password_keeps_the_invited_outside_and_the_name_in_the_form(ana_at_home, new_browser):
    page = ana_at_home.send("/admin/members", "/admin/invitations", email="bruno@solara.example", role="agent").text
    link = re.search(r"http://localhost(/join/[\w-]+)", page)[1]
    answer = new_browser().send(link, link, email="bruno@solara.example", name="Bruno Dias", password="curta")
    assert answer.status_code == 422
    assert 'value="Bruno Dias"' in answer.text
    assert "pelo menos 12 caracteres" in answer.text


def test_a_blocked_member_is_outside_at_once(ana_at_home, new_browser):
    page = ana_at_home.send("/admin/members", "/admin/invitations", email="bruno@solara.example", role="agent").text
    link = re.search(r"http://localhost(/join/[\w-]+)", page)[1]
    bruno = new_browser()
    bruno.send(link, link, email="bruno@solara.example", name="Bruno Dias", password="outra frase bem comprida")
    status = re.search(r'action="(/admin/members/[\w-]+/status)"', ana_at_home.get("/admin/members").text)[1]
    ana_at_home.send("/admin/members", status, status="disabled")
    assert bruno.get("/contacts").headers["Location"].startswith("/login")


def test_a_key_is_shown_once_and_stops_when_revoked(ana_at_home, pages):
    page = ana_at_home.send("/profile", "/profile/keys", name="Planilha", days="30", scopes="contacts:read").text
    key = re.search(r"org_[\w-]+", page)[0]
    program = pages.test_client()
    assert program.get("/api/v1/contacts", headers={"X-API-Key": key}).status_code == 200
    assert program.post("/api/v1/contacts", headers={"X-API-Key": key}, json={"name": "x"}).status_code == 403
    assert key not in ana_at_home.get("/profile").text
    revoke = re.search(r'action="(/profile/keys/[\w-]+/revoke)"', ana_at_home.get("/profile").text)[1]
    ana_at_home.send("/profile", revoke)
    assert program.get("/api/v1/contacts", headers={"X-API-Key": key}).status_code == 401


def test_changing_the_password_asks_for_the_old_one_and_signs_the_others_out(ana_at_home, new_browser):
    elsewhere = new_browser()
    elsewhere.send("/login", "/login", email=ANA.email, password=PASSWORD)
    wrong = ana_at_home.send("/profile", "/profile/password", current="nada", new="uma frase nova e longa")
    assert wrong.status_code == 422
    assert 'id="f-current-error"' in wrong.text
    right = ana_at_home.send("/profile", "/profile/password", current=PASSWORD, new="uma frase nova e longa")
    assert right.status_code == 302
    assert ana_at_home.get("/").status_code == 200
    assert elsewhere.get("/").headers["Location"] == "/login"


def test_a_form_without_its_token_is_refused(ana_at_home):
    answer = ana_at_home.client.post("/admin/company", data={"name": "Tomada"}, headers=PAGE)
    assert answer.status_code == 403
    assert "Este formulário ficou antigo" in answer.text


def test_a_company_chooses_what_becomes_of_voice_notes(ana_at_home):
    chosen = re.compile(r'<option value="(\w+)" selected>(?=Transcritas|Não transcritas)')
    assert chosen.findall(ana_at_home.get("/admin/company").text) == ["own"]
    fields = {"name": ANA.tenant, "locale": "pt_BR", "timezone": "America/Sao_Paulo"}
    assert ana_at_home.send("/admin/company", "/admin/company", **fields, voice_notes="off").status_code == 302
    assert chosen.findall(ana_at_home.get("/admin/company").text) == ["off"]
    assert ana_at_home.send("/admin/company", "/admin/company", **fields, voice_notes="loud").status_code == 422


def test_language_of_the_profile_wins_over_the_browsers(ana_at_home):
    ana_at_home.send("/profile", "/profile", name="Ana Prado", locale="en")
    assert "Your profile" in ana_at_home.get("/profile").text
