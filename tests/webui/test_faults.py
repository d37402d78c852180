"""What is amiss with the box stands above every page while it lasts, told to each as far as it is theirs."""

import contextlib
import shutil
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from appliance.core import machine, parts, timekeeping
from tests.core.test_machine import certificate
from tests.servers import redis_server
from tests.webui.looking import look
from tests.webui.watch import Watch
from webui import faults

pytestmark = pytest.mark.only_database("sqlite")
DAY = timedelta(days=1)
LIMIT_S = 180
LATE = "No momento respostas e mensagens saem com atraso. Nada se perde; tudo continua sozinho."


@pytest.fixture
def settings(settings, tmp_path):
    """A key of its own, which a test may take away."""
    key = tmp_path / "own.key"
    shutil.copy(settings.keys.master_key_file, key)
    return settings.model_copy(update={"keys": settings.keys.model_copy(update={"master_key_file": key})})


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A slow machine looks for as long as it takes."""
    monkeypatch.setattr(faults, "PATIENCE_S", LIMIT_S)


@pytest.fixture
def told(app, browser_headers):
    def read():
        return app.test_client().get("/faults", headers=browser_headers).get_data(as_text=True)

    return read


def until(is_so):
    ends = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.2)


def test_nothing_is_told_of_a_box_that_is_well(told):
    assert told().strip() == ""


def test_a_clock_that_was_put_back_is_told_to_who_looks_after_the_box(told, box, somebody):
    timekeeping.note(box.settings, -DAY)
    page = told()
    assert "<b>Ordem dos eventos.</b>" in page or "<b>Relógio.</b>" in page
    assert "O relógio foi adiantado ou atrasado." in page
    assert 'href="/admin/health"' in page
    somebody.may("conversations:read")
    assert told().strip() == ""


class TestWithoutRedis:
    @pytest.fixture
    def redis(self, tmp_path):
        with contextlib.ExitStack() as running:
            running.enter_context(redis_server(tmp_path))
            yield running

    @pytest.fixture
    def settings(self, settings, redis, tmp_path):
        assert redis
        return settings.model_copy(update={"redis": settings.redis.model_copy(update={"url": f"unix://{tmp_path}/redis.sock"})})

    def test_everybody_reads_what_it_means_for_them(self, told, somebody, redis, tmp_path):
        redis.close()
        assert "O Redis não responde. O trabalho espera no banco de dados" in told()
        somebody.may("conversations:read")
        page = told()
        assert LATE in page
        assert "Redis" not in page
        assert "/admin/health" not in page
        somebody.may("contacts:read")
        assert told().strip() == ""
        redis.enter_context(redis_server(tmp_path))
        somebody.may("conversations:read")
        until(lambda: told().strip() == "")

    def test_one_that_hangs_keeps_nobody_waiting_and_is_told_to_who_asks_next(self, told, box, monkeypatch):
        monkeypatch.setattr(faults, "PATIENCE_S", 0.1)
        box.redis.client_pause(600_000)
        assert told().strip() == ""
        until(lambda: "O Redis não responde." in told())
        for looking in threading.enumerate():
            if looking.name == faults.LOOKING:
                looking.join(LIMIT_S)


def test_a_root_key_that_is_gone_is_told_to_operators_alone(told, box, somebody):
    box.settings.keys.master_key_file.unlink()
    assert "A chave mestra não pode ser aberta." in told()
    somebody.may("health:read")
    assert told().strip() == ""


class TestCertificate:
    @pytest.fixture(params=[-2, 3, 60])
    def days(self, request):
        return request.param

    @pytest.fixture
    def settings(self, settings, tmp_path, days):
        with certificate(tmp_path, days=days) as port:
            public = settings.server.model_copy(update={"public_url": f"https://localhost:{port}"})
            yield settings.model_copy(update={"server": public})

    def test_one_that_has_ended_or_soon_will_is_told(self, told, days):
        assert ("O certificado da caixa vence em breve ou já venceu" in told()) is (days < machine.LEAST_DAYS)


def test_workers_that_were_there_and_are_gone_are_told(told, box, somebody):
    program = "import sys, time; from redis import Redis; from rq import Worker; "
    program += "Worker(['slow'], connection=Redis.from_url(sys.argv[1])).register_birth(); time.sleep(3600)"
    with subprocess.Popen([sys.executable, "-c", program, box.settings.redis_server.url]) as worker:
        until(lambda: box.dispatcher.workers("slow") == 1)
        assert told().strip() == ""
        worker.kill()
    until(lambda: "Ninguém pega o trabalho que espera." in told())
    somebody.may("conversations:read")
    assert LATE in told()


def test_a_part_that_was_there_and_fell_silent_is_told_if_it_does_not_come_up_again(told, box, somebody, monkeypatch):
    box.redis.sadd(parts.KNOWN, "relay")
    monkeypatch.setattr(faults, "COMES_UP_S", 3600)
    assert told().strip() == ""
    monkeypatch.setattr(faults, "COMES_UP_S", 0)
    until(lambda: "Uma parte da caixa está parada." in told())
    somebody.may("conversations:read")
    assert LATE in told()
    box.redis.srem(parts.KNOWN, "relay")
    until(lambda: told().strip() == "")


@pytest.mark.browser
def test_it_stands_above_the_page_and_goes_by_itself(ana, site, new_context, box):
    timekeeping.note(box.settings, DAY)
    page = new_context(ana).new_page()
    watch = Watch(page, site.url)
    page.goto("/inbox")
    place = page.get_by_role("status").filter(has_text="O relógio foi adiantado ou atrasado.")
    expect(place).to_be_visible()
    look(page, "faults")
    place.get_by_role("link", name="O que fazer").click()
    expect(page.get_by_text("Foi adiantado em 24 h 00 min.")).to_be_visible()
    expect(place).to_be_visible()
    timekeeping.note(box.settings, -DAY)
    expect(place).to_have_count(0)
    assert watch.complaints == []
