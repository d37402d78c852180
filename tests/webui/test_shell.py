import pytest
from flask import Flask

from appliance.core.errors import Conflict
from appliance.core.web import Pages
from webui import addresses, errors
from webui.navigation import NAVIGATION, navigation_for

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def guest(app, somebody, browser_headers):
    somebody.principal = None
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT"] = browser_headers["Accept"]
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = browser_headers["Accept-Language"]
    return client


def test_every_answer_carries_the_policy(guest):
    policy = guest.get("/nowhere").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_refusal_is_a_page_with_what_why_next_step_and_id(guest):
    answer = guest.get("/nowhere")
    assert answer.status_code == 404
    assert "Não há nada neste endereço" in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert 'href="/"' in answer.text


def test_who_is_signed_in_keeps_the_menu_where_there_is_nothing(app, browser_headers):
    answer = app.test_client().get("/nowhere", headers=browser_headers)
    assert answer.status_code == 404
    assert 'id="nav"' in answer.text
    assert "/contacts" in answer.text


def test_a_page_speaks_the_language_this_browser_chose(guest):
    guest.set_cookie("locale", "en")
    answer = guest.get("/nowhere")
    assert '<html lang="en"' in answer.text
    assert "There is nothing at this address" in answer.text


def test_portuguese_is_the_language_of_those_who_name_none_we_know(guest):
    assert '<html lang="pt-BR"' in guest.get("/nowhere", headers={"Accept-Language": "fi"}).text


def test_the_api_keeps_its_own_form_of_refusal(guest):
    assert guest.get("/api/v1/nowhere").mimetype == "application/problem+json"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 503])
def test_every_status_has_a_page_of_its_own(status):
    page = errors.page_for(status, "")
    assert str(page.what)
    assert str(page.why)


def test_a_domains_own_sentence_replaces_the_general_one():
    assert errors.page_for(409, str(Conflict("Two people edited this."))).why == "Two people edited this."


def test_static_files_may_be_kept_for_ever_and_come_compressed(guest, app):
    address = app.jinja_env.globals["asset"]("app.css")
    answer = guest.get(address, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    assert guest.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_file_of_an_older_version_is_not_kept(guest):
    answer = guest.get("/static/0123456789ab/app.css")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


def test_static_files_end_at_their_folder(guest):
    assert guest.get("/static/x/../shell.py").status_code == 404
    assert guest.get("/static/x/%2e%2e/shell.py").status_code == 404


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/x", "/\\evil.example", "javascript:alert(1)", "", "/a\nb", "evil"]
)
def test_no_link_leads_off_the_box_after_signing_in(target):
    assert addresses.local_url(target) == "/"


def test_a_path_of_ours_is_kept():
    assert addresses.local_url("/contacts?q=ana&page=2") == "/contacts?q=ana&page=2"


def test_choosing_a_language_without_our_form_is_refused(guest):
    assert guest.post("/language", data={"language": "en"}).status_code == 403


def test_menu_shows_only_pages_that_exist_and_may_be_opened(app, somebody):
    with app.test_request_context("/"):
        shown = {link.url for group in navigation_for(somebody.principal) for link in group.links}
        existing = {item.endpoint for item in NAVIGATION if item.endpoint in app.view_functions}
        assert len(shown) == len(existing)
        somebody.may()
        free = {item.endpoint for item in NAVIGATION if item.permission is None}
        assert len({link.url for group in navigation_for(somebody.principal) for link in group.links}) == len(free & existing)


def test_menu_marks_the_entry_a_page_belongs_to(box, somebody):
    app = Flask("menu")
    contacts = Pages("crm", "crm")
    contacts.get("/contacts", permission="contacts:read")(lambda_named("contacts"))
    home = Pages("home", "home")
    home.get("/", permission="contacts:read")(lambda_named("dashboard"))
    for screen in (contacts, home):
        app.register_blueprint(screen.blueprint)
    somebody.may("contacts:read")
    with app.test_request_context("/contacts/42"):
        links = [link for group in navigation_for(somebody.principal) for link in group.links]
    assert [link.url for link in links if link.current] == ["/contacts"]


def lambda_named(name):
    def view(uow):
        return ""

    view.__name__ = name
    return view


def test_filters_stay_in_the_address(app):
    with app.test_request_context("/contacts?q=ana&tag=a&tag=b&page=3"):
        assert addresses.url_with(page=None, sort="name") == "/contacts?q=ana&tag=a&tag=b&sort=name"
        assert addresses.url_with(page=4) == "/contacts?q=ana&tag=a&tag=b&page=4"
