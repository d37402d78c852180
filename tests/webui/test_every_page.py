"""Each page that can be opened, in both languages and themes, wide and narrow: found in the routes, so none is forgotten."""

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.gateways.email import leaving
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import ConsentIn, ContactFields
from appliance.domains.contacts.types import Channel, ConsentMode, LawfulBasis, Purpose, Sheet
from appliance.domains.conversations.queries import surveys
from appliance.domains.identity import actions as identity
from appliance.domains.identity.types import SESSION_COOKIE
from tests.factories.contact_history import make_file
from tests.routes import objects
from tests.webui.axe import ALL_RULES, OF_COLOURS, violations
from tests.webui.conftest import ANA, serving, sign_ana_in
from tests.webui.watch import Watch
from webui.screens import SCREENS
from webui.shell import pages as shell_pages

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]

LANGUAGES = ("pt-BR", "en")
THEMES = {"light": ALL_RULES, "dark": OF_COLOURS}  # the same page in other colours, which no language changes: looked at in the first
WIDTHS = (1280, 390)
NARROWEST = 320
BARE = {"/login", "/setup"}  # pages for those who are outside
DATA = {  # answers that are no HTML
    "/search", "/admin/health/diagnostics", "/admin/brand/pack", "/admin/box-brand/pack", "/admin/backups/<uuid:backup_run_id>/receipt",
}  # fmt: skip
OPENED = sorted({route.rule for screen in (shell_pages, *SCREENS) for route in screen.routes if route.method == "GET"} - DATA)


# Nothing here is changed by being looked at: one box, one server and one signed-in browser for each language.
@pytest.fixture(scope="module")
def box(shared_box):
    return shared_box


@pytest.fixture(scope="module")
def site(box):
    with serving(box) as served:
        yield served


@pytest.fixture(scope="module")
def ana(box):
    return sign_ana_in(box)


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request):
    return request.param


@pytest.fixture(scope="module")
def pages(chromium, site, box, ana, language):
    """By whether Ana is signed in. One each: a browser starts a process for a new page, which costs more than the page."""
    locale = language.replace("-", "_")
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        identity.change_profile(uow, ana.user_id, {"locale": locale})
    made = {signed_in: chromium.new_context(locale=language, base_url=site.url, reduced_motion="reduce") for signed_in in (True, False)}
    for signed_in, context in made.items():
        context.add_cookies([{"name": "locale", "value": locale, "url": site.url}])
        context.add_cookies([{"name": SESSION_COOKIE, "value": ana.cookie, "url": site.url}] if signed_in else [])
    opened = {signed_in: context.new_page() for signed_in, context in made.items()}
    for page in opened.values():
        page.watch = Watch(page, site.url)
    yield opened
    for context in made.values():
        context.close()


@pytest.fixture
def page(pages, rule):
    shown = pages[rule not in BARE]
    shown.set_viewport_size({"width": 1280, "height": 720})
    shown.goto("about:blank")  # what the page before still says by leaving is not this one's
    shown.watch.complaints.clear()
    return shown


@pytest.fixture(scope="module")
def samples(box, ana):
    """Something to show for each kind of id in an address."""
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        contact = contacts.create_contact(
            uow, ContactFields(name="Beatriz Nogueira", phone="+55 11 95512-0148", email="bia@manaca.example", tags=["residencial"])
        )
        contacts.add_note(uow, contact.id, "Pediu retorno na sexta.")
        said = ConsentIn(
            channel=Channel.WHATSAPP, purpose=Purpose.MARKETING, mode=ConsentMode.OPT_IN, lawful_basis=LawfulBasis.CONSENT,
            source="feira", evidence={"text": "formulário"},
        )  # fmt: skip
        contacts.record_consent(uow, contact.id, said)
        sheet = Sheet("utf-8", ";", ["Nome", "Telefone"], [["Ana", "11 95512-0148"]], 1)
        run = contacts.create_import(uow, make_file(uow), "contatos.csv", sheet)
        linked = channels.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
        others = {name: make(uow) for name, make in objects.registered("PATH_PARAMETERS").items()}
        others["confirmation"] = people.confirmation_proof(uow, others["awaited_id"])
        others["proof"] = surveys.token_of(uow, others["survey_id"])
    way_out = leaving.token_of(box, ana.tenant_id, others["channel_id"], contact.id)  # one of no invitation
    of_rule = {"/channels/<uuid:channel_id>/move": {"channel_id": linked.id}}  # the only kind that moves
    return {**others, "contact_id": contact.id, "import_id": run.id, "token": way_out, **of_rule}


def address(rule, samples):
    """Raises KeyError with the name of the id nobody gave a sample for."""
    for name in [part.split(":")[-1].rstrip(">") for part in rule.split("/") if part.startswith("<")]:
        rule = "/".join(str(samples[name]) if part.rstrip(">").split(":")[-1].lstrip("<") == name else part for part in rule.split("/"))
    return rule


@pytest.mark.parametrize("rule", OPENED)
def test_page_is_clean(rule, language, page, samples):
    answer = page.goto(address(rule, samples | samples.get(rule, {})))
    page.wait_for_load_state("load")
    assert answer.status in ({200, 410} if "<token>" in rule else {200}), page.content()[:500]
    if "csrf-token" not in page.content():
        return  # a fragment: it is looked at inside its page
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert squeezed(page) == [], f"{rule} {language} {width}"
        for theme, rules in THEMES.items():
            if theme == "dark" and language != LANGUAGES[0]:
                continue
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            assert violations(page, rules) == [], f"{rule} {language} {theme} {width}"
    page.set_viewport_size({"width": NARROWEST, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST, f"{rule} is wider than {NARROWEST} px"
    expect(page.locator("html")).to_have_attribute("lang", language)
    complaints = [each for each in page.watch.complaints if "410" not in each]
    assert complaints == []


def squeezed(page):
    """Cells that break every word, pictures of people pulled out of shape, and tables of which a wide window shows only a part."""
    return page.evaluate(
        """() => {
          const thin = [...document.querySelectorAll('td')].filter((cell) => cell.clientHeight > 3 * cell.clientWidth);
          const cut = [...document.querySelectorAll('.table-wrap, .ag-scroll')].filter((part) => part.scrollWidth > part.clientWidth);
          const bent = [...document.querySelectorAll('.avatar')].filter((face) => face.offsetWidth !== face.offsetHeight);
          return [...thin, ...bent, ...(innerWidth < 1000 ? [] : cut)].map((part) => part.textContent.trim().slice(0, 60));
        }"""
    )
