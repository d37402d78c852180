"""The brand as people meet it: drafted, seen in both themes, published into open browsers, worn by what strangers see."""

import io
import re

import pytest
from playwright.sync_api import expect

from appliance.core.ids import NIL
from appliance.domains.branding import actions, queries
from appliance.domains.branding.rules import packs
from appliance.domains.branding.schemas import BrandValues
from appliance.domains.branding.types import Mark
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.identity import actions as identity
from appliance.domains.identity.types import SESSION_COOKIE, Device
from tests.statements import statements_of
from tests.webui.axe import violations
from tests.webui.looking import look
from tests.webui.watch import Watch
from webui import branding, theme

pytestmark = pytest.mark.only_database("sqlite")
PALE = "#fff7b0"
LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 28"><rect width="90" height="28" rx="4" fill="#7a3cff"/></svg>'
DARK_LOGO = LOGO.replace(b"#7a3cff", b"#d9c7ff")


@pytest.fixture
def wear(box):
    def publish(tenant_id, pictures=None, **values):
        with box.whole_box("test") as uow:
            actions.save_draft(uow, tenant_id, BrandValues(**values), pictures or {})
            actions.publish(uow, tenant_id)
        branding.forget_all()

    return publish


@pytest.fixture
def worn(box):
    def seen(tenant_id):
        with box.whole_box("test", read_only=True) as uow:
            return queries.get_look(uow, tenant_id)

    return seen


@pytest.fixture
def client(site, ana):
    client = site.app.test_client()
    client.set_cookie(SESSION_COOKIE, ana.cookie, domain="localhost")
    return client


@pytest.fixture
def stranger(site):
    return site.app.test_client()


@pytest.fixture
def send(client):
    def post(address, **fields):
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/admin/brand").text)[1]
        said = {**fields, "csrf_token": token}
        return client.post(address, data=said, content_type="multipart/form-data", headers={"Accept": "text/html"})

    return post


def test_a_pack_comes_in_as_a_draft_and_goes_out_the_same(ana, worn, client, send):
    pack = packs.write({"name": "Boreal", "colour": PALE}, {Mark.LOGO: actions.clean_picture(LOGO)})
    answer = send("/admin/brand/pack", pack=(io.BytesIO(pack), "brand.zip"))
    assert answer.headers["Location"] == "/admin/brand#draft"
    assert "O pacote não está assinado" in client.get("/admin/brand").text
    assert worn(ana.tenant_id).name != "Boreal"
    send("/admin/brand/publish")
    assert client.get("/admin/brand/pack").data == pack


@pytest.mark.parametrize(("address", "field", "content", "why"), [
    ("/admin/brand/pack", "pack", b"no zip", "Este arquivo não é um zip"),
    ("/admin/brand", "logo", LOGO.replace(b"<rect", b"<script/><rect"), "contém um programa (script)"),
    ("/admin/brand", "favicon", b"GIF89a", "SVG, PNG ou WebP"),
])  # fmt: skip
def test_what_is_no_brand_is_refused_at_its_field(box, ana, send, address, field, content, why):
    answer = send(address, name="Boreal", **{field: (io.BytesIO(content), "x.bin")})
    assert answer.status_code == 422
    assert re.search(rf'id="f-{field}"[^>]*aria-invalid="true"', answer.text)
    assert why in answer.text
    with box.whole_box("test", read_only=True) as uow:
        assert queries.get_brands(uow, ana.tenant_id).draft is None


def test_an_address_meets_the_brand_that_has_it_and_any_other_the_box_s(box, ana, wear, stranger, send):
    with box.whole_box("test") as uow:
        identity.create_tenant(uow, name="Ventura Comércio")
    wear(NIL, name="Aurora", login_text="Atendimento da Aurora", support_email="ajuda@aurora.example")
    wear(ana.tenant_id, {Mark.LOGO: actions.clean_picture(LOGO)}, name="Solara", words={"pt_BR": {"Home": "Começo"}})
    assert send("/admin/brand/address", domain="não é").status_code == 422
    send("/admin/brand/address", domain="Vendas.Solara.example")
    elsewhere = stranger.get("/login").text
    assert "Atendimento da Aurora" in elsewhere
    assert "ajuda@aurora.example" in elsewhere
    assert "brand-logo" not in elsewhere
    here = stranger.get("/login", headers={"Host": "vendas.solara.example:8443"}).text
    logo = re.search(r'<img class="brand-logo" src="([^"]+)" alt="Solara">', here)[1]
    answer = stranger.get(logo)
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("image/svg+xml", "public, max-age=31536000, immutable")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert stranger.get(logo[:-4] + "0000").status_code == 404


def test_own_words_are_said_to_those_who_wear_them_and_to_nobody_else(box, ana, wear, client, stranger):
    wear(ana.tenant_id, words={"pt_BR": {"Leads": "Interessados"}})
    assert "Interessados" in client.get("/").text
    assert "Interessados" not in stranger.get("/api/v1/nothing", headers={"Accept": "text/html"}).text


def test_own_words_are_words_and_no_attributes(ana, wear, client):
    wear(ana.tenant_id, words={"pt_BR": {"Home": '" hx-get="/boo', "Leads": "Gota d'água"}})
    page = client.get("/").text
    assert 'hx-get="/boo' not in page
    assert "hx-get=&#34;/boo" in page
    assert "Gota d&#39;água" in page


def test_a_logo_is_read_once_however_many_ask(box, ana, wear, stranger, worn):
    wear(ana.tenant_id, {Mark.LOGO: actions.clean_picture(LOGO)})
    address = f"/brand/{ana.tenant_id}/{worn(ana.tenant_id).pictures[Mark.LOGO]}"
    assert stranger.get(address).status_code == 200
    with statements_of(box) as statements:
        assert stranger.get(address).status_code == 200
    assert not [one for one, _values in statements if "brand_picture" in one]


def test_colours_are_worked_out_for_who_is_signed_in(client, stranger):
    assert ".brand-preview" in client.get("/theme/preview.css?colour=%23fff7b0").text
    assert client.get("/theme/preview.css?colour=red").status_code == 422
    assert stranger.get("/theme/preview.css?colour=%23fff7b0").headers["Location"].startswith("/login")


def test_a_member_who_may_not_does_not_get_in(box, ana, client):
    with box.unit(ana.tenant_id) as uow:
        invited = identity.invite_as_box(uow, email="bruno@solara.example", role="owner")
    phrase = "outra frase bem comprida"
    signed_in = identity.accept_invitation(box, token=invited.token, name="Bruno", password=phrase, device=Device("127.0.0.1", "test"))
    client.set_cookie(SESSION_COOKIE, signed_in.secret, domain="localhost")
    page = client.get("/admin/brand")
    assert page.status_code == 200
    assert "Quem opera esta caixa define isso" in page.text
    assert client.get("/admin/box-brand").status_code == 403
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)[1]
    assert client.post("/admin/brand/address", data={"domain": "mau.example", "csrf_token": token}).status_code == 403


def test_what_the_box_locked_stays_what_it_was_underneath(ana, wear, worn, send, client):
    wear(ana.tenant_id, name="Solara", colour="#00aa00")
    wear(NIL, name="Aurora", locked=["name"])
    assert "Decidido por quem opera esta caixa" in client.get("/admin/brand").text
    send("/admin/brand", own_colour="1", colour="#0000aa")
    send("/admin/brand/publish")
    assert worn(ana.tenant_id).name == "Aurora"
    wear(NIL)
    assert (worn(ana.tenant_id).name, worn(ana.tenant_id).colour) == ("Solara", "#0000aa")


def rgb_of(colour):
    return "rgb({}, {}, {})".format(*bytes.fromhex(colour[1:]))


@pytest.mark.browser
def test_a_brand_is_drafted_previewed_published_into_open_browsers_and_undone(box, ana, new_context, site):
    working = new_context(ana, color_scheme="light").new_page()
    working.goto("/contacts")
    expect(working.locator(".topbar .brand-name")).to_have_text("Solara Energia")
    page = new_context(ana, color_scheme="light").new_page()
    watch = Watch(page, site.url)
    page.goto("/admin/brand")
    page.get_by_label("Nome mostrado no produto").fill("Solara Clara")
    page.get_by_label("Usar nossa própria cor").check()
    page.locator("input.swatch").fill(PALE)
    readable = theme.theme_for(PALE)
    expect(page.locator("#brand-preview")).to_contain_text(readable.light.accent)
    for mode, pair in (("light", readable.light), ("dark", readable.dark)):
        expect(page.locator(f'.brand-preview[data-theme="{mode}"] .btn.primary')).to_have_css("background-color", rgb_of(pair.accent))
    page.locator("#f-logo").set_input_files({"name": "l.svg", "mimeType": "image/svg+xml", "buffer": LOGO})
    page.get_by_label("Logotipo para páginas escuras").set_input_files({"name": "d.svg", "mimeType": "image/svg+xml", "buffer": DARK_LOGO})
    page.get_by_role("button", name="Guardar e ver").click()
    page.get_by_role("heading", name="Há um rascunho à espera").wait_for()
    for mode, content in (("light", LOGO), ("dark", DARK_LOGO)):
        digest = actions.clean_picture(content).sha256
        expect(page.locator(f'.brand-preview[data-theme="{mode}"] img')).to_have_attribute("src", f"/brand/{ana.tenant_id}/{digest}")
    look(page, "brand-draft")
    expect(working.locator(".topbar .brand-name")).to_have_text("Solara Energia")
    page.get_by_role("button", name="Publicar").click()
    expect(working.locator(".topbar img.brand-logo.for-light")).to_have_attribute("alt", "Solara Clara")
    here = working.locator('.nav a[aria-current="page"]')
    expect(here).to_have_css("color", rgb_of(readable.light.accent))
    page.get_by_role("button", name="Voltar à anterior").click()
    expect(working.locator(".topbar .brand-name")).to_have_text("Solara Energia")
    expect(here).to_have_css("color", rgb_of("#0b6b5d"))
    assert watch.complaints == []


@pytest.mark.browser
def test_a_pale_yellow_brand_can_be_read_everywhere(box, ana, wear, new_context):
    wear(ana.tenant_id, {Mark.LOGO: actions.clean_picture(LOGO)}, name="Solara", colour=PALE, login_text="Atendimento que brilha")
    page = new_context(ana).new_page()
    for address in ("/", "/inbox", "/admin/brand"):
        page.goto(address)
        look(page, "pale" + address.replace("/", "-"))
    outside = new_context().new_page()
    outside.goto("/login")
    look(outside, "pale-login")


@pytest.mark.browser
def test_the_chat_on_a_site_wears_the_brand_where_its_channel_has_no_colour_of_its_own(box, ana, wear, new_context):
    wear(ana.tenant_id, {Mark.LOGO: actions.clean_picture(LOGO)}, name="Solara", colour="#7a3cff")
    with box.unit(ana.tenant_id) as uow:
        key = channels.create_channel(uow, ChannelIn(kind="webchat", name="Site", config={"title": "Fale com a Solara"})).external_id
    page = new_context(color_scheme="light").new_page()
    page.goto(f"/chat/{key}")
    expect(page.locator(".wc-head img.brand-logo")).to_have_attribute("alt", "Solara")
    expect(page.locator(".wc-head")).to_have_css("background-color", rgb_of(theme.theme_for("#7a3cff").light.accent))
    assert violations(page) == []
