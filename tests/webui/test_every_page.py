"""Each page that can be opened, in both languages and themes, wide and narrow: found in the routes, so none is forgotten."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from appliance.core.uow import Actor
from appliance.domains.channels.gateways.email import leaving
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ConsentIn, ContactFields
from appliance.domains.contacts.types import Channel, ConsentMode, LawfulBasis, Purpose, Sheet
from appliance.domains.identity import actions as identity
from tests.routes import objects
from tests.webui.conftest import ANA
from tests.webui.watch import Watch
from webui.screens import SCREENS
from webui.shell import pages as shell_pages

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]

LANGUAGES = ("pt-BR", "en")
THEMES = ("light", "dark")
WIDTHS = (1280, 390)
NARROWEST = 320
SERIOUS = {"critical", "serious"}
BARE = {"/login", "/setup"}  # pages for those who are outside
DATA = {"/search"}  # answers that are no HTML
OPENED = sorted({route.rule for screen in (shell_pages, *SCREENS) for route in screen.routes if route.method == "GET"} - DATA)


@pytest.fixture
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
        run = contacts.create_import(uow, contact.id, "contatos.csv", sheet)
        others = {name: make(uow) for name, make in objects.registered("PATH_PARAMETERS").items()}
    way_out = leaving.token_of(box, ana.tenant_id, others["channel_id"], contact.id)  # one of no invitation
    return {**others, "contact_id": contact.id, "import_id": run.id, "token": way_out}


def address(rule, samples):
    """Raises KeyError with the name of the id nobody gave a sample for."""
    for name in [part.split(":")[-1].rstrip(">") for part in rule.split("/") if part.startswith("<")]:
        rule = "/".join(str(samples[name]) if part.rstrip(">").split(":")[-1].lstrip("<") == name else part for part in rule.split("/"))
    return rule


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", OPENED)
def test_page_is_clean(rule, language, box, new_context, site, ana, samples):
    locale = language.replace("-", "_")
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        identity.change_profile(uow, ana.user_id, {"locale": locale})
    context = new_context(None if rule in BARE else ana, locale=language)
    context.add_cookies([{"name": "locale", "value": locale, "url": site.url}])
    page = context.new_page()
    watch = Watch(page, site.url)
    answer = page.goto(address(rule, samples))
    page.wait_for_load_state("load")
    assert answer.status in ({200, 410} if "<token>" in rule else {200}), page.content()[:500]
    if "csrf-token" not in page.content():
        return  # a fragment: it is looked at inside its page
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert squeezed(page) == [], f"{rule} {language} {width}"
        for theme in THEMES:
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            assert violations(page) == [], f"{rule} {language} {theme} {width}"
    page.set_viewport_size({"width": NARROWEST, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST, f"{rule} is wider than {NARROWEST} px"
    assert page.locator("html").get_attribute("lang") == language
    complaints = [each for each in watch.complaints if "410" not in each]
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


def violations(page):
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
