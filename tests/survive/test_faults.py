"""What befalls a box that works stands in Portuguese above a page that is open, and ends by itself; whoever wrote has one answer."""

import time

import pytest

from appliance.domains.identity.types import SESSION_COOKIE
from tests.journeys.running import wait_for
from tests.survive.faults import LIMIT_S, PROCESSES, SWEET_S, Clock, company

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(6 * LIMIT_S)]
REDIS = "O Redis não responde."
MODELS = "O servidor de modelos não responde."
KEY = "A chave mestra não pode ser aberta."
CLOCK = "O relógio foi adiantado ou atrasado."
PARTS = "Uma parte da caixa está parada."
AWAY = "A caixa não consegue mostrar páginas no momento"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One box on PostgreSQL for all of them; the embedded store dies in tests/journeys/test_nothing_is_lost.py."""
    with company(tmp_path_factory.mktemp("faults")) as found:
        yield found


@pytest.fixture(scope="module")
def page(shared, chromium):
    context = chromium.new_context(locale="pt-BR", base_url=shared.box.url)
    context.add_cookies([{"name": SESSION_COOKIE, "value": shared.web.cookies[SESSION_COOKIE], "url": shared.box.url}])
    page = context.new_page()
    page.goto("/inbox")
    yield page
    context.close()


@pytest.fixture
def firm(shared, page):
    """After each fault somebody who writes is answered, nothing is told any more, and nobody is forgotten."""
    yield shared
    shared.recovered("the end", time.monotonic())
    await_told(page)
    shared.check_nothing_is_lost()


def await_told(page, *words):
    """All of them, or nothing at all. A page looks each time somebody comes back to it."""
    place = page.locator("#faults")

    def is_told():
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        told = place.text_content().strip()
        return all(word in told for word in words) if words else not told

    wait_for(is_told, limit_s=LIMIT_S, why=lambda: f"{words}: {place.text_content()}")


@pytest.mark.skipif(Clock.library() is None, reason="libfaketime is missing: apt install faketime")
def test_without_its_key_and_its_models_and_a_day_behind_it_says_so(firm, page):
    with firm.without_key(), firm.held("models"), firm.clock_at("-1d"):
        await_told(page, KEY, MODELS, CLOCK)
        firm.recovered("meanwhile", time.monotonic())


def test_a_redis_that_hangs_is_told(firm, page):
    with firm.held("redis-server"):
        await_told(page, REDIS)


def test_parts_that_hang_are_told(firm, page):
    with firm.held("se-relay"), firm.held("se-scheduler"), firm.held("se-sessions"):
        wait_for(lambda: firm.silent_parts() == ["relay", "scheduler", "sessions"], limit_s=LIMIT_S, why=firm.silent_parts)
        await_told(page, PARTS)


def test_a_postgresql_that_died_is_told(firm, page):
    with firm.without_postgres():
        await_told(page, AWAY)


def test_whoever_is_killed_is_there_again_and_what_redis_forgot_is_done(firm):
    def is_owed():
        firm.customers.wanted.set()
        return len(firm.customers.taken) > len(firm.customers.answers())

    wait_for(is_owed, limit_s=LIMIT_S, every_s=SWEET_S)
    firm.forget()
    for name in PROCESSES:
        firm.kill(name)


@pytest.mark.skipif(Clock.library() is None, reason="libfaketime is missing: apt install faketime")
def test_a_day_ahead_it_says_so_and_goes_on_once_that_is_put_right(shared):
    with shared.nobody_writes(), shared.clock_at("+1d"):  # what would come looks a day old, and goes to a person
        shared.await_words(CLOCK)
    shared.await_well()
    shared.recovered("the end", time.monotonic())
    shared.check_nothing_is_lost()
