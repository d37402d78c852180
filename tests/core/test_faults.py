"""Errors nobody handled, told to a Sentry: which, how often, and nothing of what people wrote."""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
import structlog
from flask import abort, render_template_string, request
from pydantic import ValidationError

from appliance.core import clock, deliveries, faults, jobs, metrics, receivers, sentry, tracing, web
from appliance.core.config import NetworkSettings, RedisSettings, TelemetrySettings
from appliance.core.errors import NotFound
from appliance.core.manifest import Cron, Manifest
from appliance.core.outbox import Delivery
from appliance.core.queue_server import connect_redis
from appliance.entrypoints import children, live
from tests.architecture.house import ROOT
from tests.core import ledger
from tests.peers.watcher import KEY, Watcher, watching

PATIENCE_S = 60
NAME, CPF, PHONE = "Mariana das Dores", "529.982.247-25", "+5511988887777"
PLANTED = (NAME, CPF, PHONE, "Mariana", "52998224725", "11988887777")
log = structlog.get_logger()
api = web.Api("people")

pytestmark = pytest.mark.only_database("sqlite")


class Quoting(Exception):
    """Says what it was given."""


@api.post("/people/<name>/bought", permission="people:write", returns=None)
def buy(uow, name):
    person = {"name": name, "cpf": CPF, "said": request.get_data(as_text=True)}
    try:
        person["nothing"]
    except KeyError as err:
        raise Quoting(f"{name} {person}") from err


@api.get("/people/<name>", permission="people:write", returns=None)
def look(uow, name):
    raise NotFound(name)


@api.get("/people/<name>/teapot", permission="people:write", returns=None)
def refuse(uow, name):
    abort(418)


@api.get("/people/<name>/page", permission="people:write", returns=None)
def draw(uow, name):
    return render_template_string("{{ name / 2 }}", name=name)


def tidy(box):
    raise Quoting(f"{NAME} {CPF}")


@pytest.fixture
def manifests():
    cron = (Cron("tidy", tidy, every=timedelta(hours=1)),)
    rights = {"people:write": ("owner",)}
    return (Manifest("people", apis=(api,), permissions=rights, subscriptions=ledger.MANIFEST.subscriptions, cron=cron),)


@pytest.fixture
def watcher(box, tmp_path):
    with Watcher() as watcher, watching(box, tmp_path, dsn=watcher.dsn):
        yield watcher


def told(watcher):
    receivers.flush(PATIENCE_S)
    return watcher.errors


def test_a_request_that_ends_as_500_is_told_without_a_word_of_what_people_wrote(watcher, client, somebody):
    somebody.may("people:write")
    headers = {"User-Agent": NAME, "Cookie": f"a={CPF}"}
    answer = client.post(f"/api/v1/people/{NAME}/bought?phone={PHONE}", json={"cpf": CPF}, headers=headers)
    assert answer.status_code == 500
    (event,) = told(watcher)
    kinds = [(error["module"], error["type"]) for error in event["exception"]["values"] if "module" in error]
    assert (Quoting.__module__, "Quoting") in kinds
    assert "KeyError" in [error["type"] for error in event["exception"]["values"]]
    assert event["tags"] == {"process": "test", "route": "/api/v1/people/<name>/bought"}
    assert event["release"].startswith("salesedge@")
    (raw,) = watcher.raw
    for word in (*PLANTED, str(ROOT), os.uname().nodename, KEY):
        assert word.encode() not in raw, word


def test_of_an_error_goes_what_is_known_to_be_harmless_and_nothing_else(watcher, client, somebody):
    somebody.may("people:write")
    client.post("/api/v1/people/x/bought")
    (event,) = told(watcher)
    assert set(event) == {"event_id", "timestamp", "platform", "level", "release", "tags", "exception", "sdk"}
    frames = [frame for error in event["exception"]["values"] for frame in error["stacktrace"]["frames"]]
    assert all(set(frame) <= {"function", "module", "filename", "lineno", "in_app"} for frame in frames)
    assert not [frame["filename"] for frame in frames if frame["filename"].startswith("/")]
    assert {"appliance/core/web/api.py", "flask/app.py"} <= {frame["filename"] for frame in frames}
    assert {error["mechanism"]["type"] for error in event["exception"]["values"]} <= {"salesedge", "chained"}
    assert not [error for error in event["exception"]["values"] if set(error) - {"type", "module", "mechanism", "stacktrace"}]


def test_an_error_in_a_page_is_told_without_where_the_box_lies(watcher, client, somebody):
    somebody.may("people:write")
    client.get(f"/api/v1/people/{NAME}/page")
    (event,) = told(watcher)
    assert event["exception"]["values"][-1]["type"] == "TypeError"
    frame = {"module": "/opt/salesedge/x.html", "filename": "/opt/salesedge/x.html", "lineno": 3, "vars": {"name": NAME}}
    assert sentry._frame(frame) == {"filename": "x.html", "lineno": 3}


def test_what_is_answered_is_no_fault(watcher, client, somebody):
    somebody.may("people:write")
    assert client.get(f"/api/v1/people/{NAME}").status_code == 404
    assert client.get(f"/api/v1/people/{NAME}/teapot").status_code == 418
    assert told(watcher) == []


def test_a_job_that_goes_to_the_dead_letters_is_told_with_its_name_and_trace(watcher, box, tenant_id):
    parent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    with box.unit(tenant_id) as uow:
        ledger.make_entry(uow, "bug")
        ledger.make_entry(uow, "away")
    with tracing.within(parent):
        for delivery in all_deliveries(box):
            jobs.deliver(box, tenant_id, delivery)
    (event,) = told(watcher)
    assert event["tags"] == {"process": "test", "job": "tests.follow"}
    assert event["exception"]["values"][-1]["type"] == "ZeroDivisionError"
    assert event["contexts"] == {"trace": {"trace_id": "ab" * 16, "span_id": "cd" * 8}}


def all_deliveries(box):
    from tests.core.test_spine import all_deliveries

    return [delivery.id for delivery in all_deliveries(box)]


def test_timed_work_that_fails_is_told_once_though_the_queue_meets_it_too(watcher, box):
    jobs.bind(box)
    with pytest.raises(Quoting) as raised:
        jobs.run_cron("people.tidy")
    logging.getLogger("rq.worker").error("job failed", exc_info=raised.value)
    (event,) = told(watcher)
    assert event["tags"] == {"process": "test", "job": "people.tidy"}
    assert not [word for word in PLANTED if word.encode() in watcher.raw[0]]


def test_what_only_the_server_meets_is_told(watcher):
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=Quoting(NAME))
    logging.getLogger("uvicorn.error").error(live.UNFINISHED)
    (event,) = told(watcher)
    assert event["exception"]["values"][-1]["type"] == "Quoting"


def raise_one():
    raise Quoting(NAME)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_by_an_error_is_told(watcher):
    thread = threading.Thread(target=raise_one)
    thread.start()
    thread.join()
    assert [event["level"] for event in told(watcher)] == ["error"]


def test_a_process_that_ends_by_an_error_tells_it_before_it_is_gone(watcher):
    child = children.Forked("failing", raise_one)
    ends = time.monotonic() + PATIENCE_S
    while child.alive():
        assert time.monotonic() < ends
        time.sleep(0.02)
    (event,) = watcher.errors
    assert (event["level"], event["exception"]["values"][-1]["type"]) == ("fatal", "Quoting")


ENDING = """
import sys
from appliance.core import faults
from appliance.core.config import NetworkSettings, RedisSettings
from appliance.core.queue_server import connect_redis

faults.start("alone", sys.argv[1], NetworkSettings(), connect_redis(RedisSettings(url="redis://127.0.0.1:1")))
name = sys.argv[2]
raise LookupError(name)
"""


def test_a_process_that_runs_alone_tells_what_ends_it_though_redis_is_away():
    with Watcher() as watcher:
        done = subprocess.run(
            [sys.executable, "-c", ENDING, watcher.dsn, NAME], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
        )
    assert done.returncode == 1
    (event,) = watcher.errors
    assert (event["level"], event["tags"], event["exception"]["values"][0]["type"]) == ("fatal", {"process": "alone"}, "LookupError")
    assert NAME.encode() not in watcher.raw[0]


@pytest.fixture
def silent():
    """Where somebody listens who never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_process_that_ends_tells_why_though_redis_hangs(silent):
    with Watcher() as watcher:
        command = [sys.executable, "-c", ENDING.replace("127.0.0.1:1", f"127.0.0.1:{silent}"), watcher.dsn, NAME]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, [event["level"] for event in watcher.errors]) == (1, ["fatal"])


def test_a_redis_that_hangs_is_asked_again_only_after_a_while(silent, box, monkeypatch):
    often = sentry.Often(connect_redis(RedisSettings(url=f"redis://127.0.0.1:{silent}")))
    begun = time.monotonic()
    assert not often.is_told_by_others(sentry.Place("abc", "0"))
    assert time.monotonic() - begun < receivers.FAREWELL_S
    often._redis = box.redis
    places = [sentry.Place("abc", str(number)) for number in range(sentry.SAME_AN_HOUR + 1)]
    assert not any(often.is_told_by_others(place) for place in places)
    monkeypatch.setattr(sentry, "RESTS_S", 0)
    often._asks_from = 0
    assert [often.is_told_by_others(place) for place in places][-1]


def test_an_error_told_often_enough_is_not_written_out_again(watcher, monkeypatch):
    written = []
    whole = sentry.event_from_exception
    monkeypatch.setattr(sentry, "event_from_exception", lambda *given: written.append(given) or whole(*given))
    for _ in range(sentry.SAME_AN_HOUR + 3):
        faults.tell(Quoting(NAME), {})
    assert len(written) == sentry.SAME_AN_HOUR


def test_work_that_takes_its_worker_down_is_told_and_counted_when_it_is_given_up(watcher, box, tenant_id, capsys):
    with box.unit(tenant_id) as uow:
        ledger.make_entry(uow, "a")
    (delivery,) = all_deliveries(box)
    for _ in range(deliveries.DEADLY_AFTER):
        with box.unit(tenant_id) as uow:
            assert deliveries.claim(uow, delivery) is not None
        with box.whole_box("test") as uow:
            uow.session.get_one(Delivery, delivery).lease_until = clock.now() - timedelta(seconds=1)
    dead = metrics.OUTCOMES.labels("tests.follow", "default", "dead")._value
    gone = dead.get()
    for _ in range(2):
        jobs.deliver(box, tenant_id, delivery)
    (event,) = told(watcher)
    assert event["tags"] == {"process": "test", "job": "tests.follow"}
    assert event["exception"]["values"][-1]["type"] == "WorkerDied"
    assert dead.get() - gone == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "delivery_dead" in line]
    assert delivery.hex in line


def test_the_same_error_is_told_so_often_an_hour_and_another_all_the_same(watcher, box):
    for _ in range(sentry.SAME_AN_HOUR + 3):
        try:
            raise_one()
        except Quoting as err:
            log.error("cron_failed", exc_info=err)  # noqa: TRY400 - as the box does it
    assert len(told(watcher)) == sentry.SAME_AN_HOUR
    log.error("cron_failed", exc_info=Quoting())
    assert len(told(watcher)) == sentry.SAME_AN_HOUR + 1


def test_a_process_that_begins_anew_tells_what_the_box_has_told_often_enough_no_more(watcher, box):
    for _ in range(2):
        for _ in range(sentry.SAME_AN_HOUR):
            log.error("cron_failed", exc_info=Quoting())
        assert len(told(watcher)) == sentry.SAME_AN_HOUR
        faults._teller._often = sentry.Often(box.redis)


def test_processes_count_the_same_error_together(box):
    one, other = sentry.Often(box.redis), sentry.Often(box.redis)
    asked = [often.is_told_by_others(often.place_for("abc")) for often in (one, other, one, other, one, other)]
    assert asked == [False] * sentry.SAME_AN_HOUR + [True]
    assert 0 < box.redis.ttl("fault:abc") <= sentry.HOUR_S


def test_an_hour_later_it_is_told_again(box, monkeypatch):
    often = sentry.Often(box.redis)
    assert [often.place_for("abc") is None for _ in range(6)] == [False] * 5 + [True]
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun + sentry.HOUR_S + 1)
    assert often.place_for("abc") is not None


def test_an_error_that_takes_no_mark_is_told(watcher):
    with pytest.raises(ValidationError) as refused:
        NetworkSettings(timeout_s=-1)
    log.error("cron_failed", exc_info=refused.value)
    assert len(told(watcher)) == 1


NO_DSN = (
    "",
    "key",
    "https://[",
    "https://sentry.example/1",
    "https://key@sentry.example/",
    "https://key@sentry.example/x",
    "ftp://key@x/1",
    "https://key@sentry.example/\u00b2",
    f"https://key@{'a' * 64}.example/1",
    "https://key@sentry.example:x/1",
)


@pytest.mark.parametrize("text", NO_DSN)
def test_a_file_without_a_dsn_is_refused(tmp_path, text):
    (tmp_path / "dsn").write_text(text)
    with pytest.raises(ValidationError, match="holds no DSN"):
        TelemetrySettings(sentry_dsn_file=tmp_path / "dsn")


def test_a_file_that_is_not_there_is_said_to_be_the_reason(tmp_path):
    with pytest.raises(ValidationError, match="gone cannot be read"):
        TelemetrySettings(sentry_dsn_file=tmp_path / "gone")


def test_a_dsn_is_read_from_its_file(tmp_path):
    (tmp_path / "dsn").write_text("https://key@sentry.example:9000/path/7\n")
    assert TelemetrySettings(sentry_dsn_file=tmp_path / "dsn").sentry_dsn == "https://key@sentry.example:9000/path/7"
    assert TelemetrySettings().sentry_dsn == ""


def test_off_an_error_costs_a_look_and_is_not_marked():
    err = Quoting()
    faults.tell(err, {})
    assert vars(err) == {}
