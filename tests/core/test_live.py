import asyncio
import contextlib
import json
import threading
from dataclasses import dataclass, replace
from uuid import UUID

import httpx
import pytest
import uvicorn
from starlette.requests import Request

from appliance.core import live
from appliance.core.dispatch import LIVE_CHANNEL
from appliance.core.errors import TooMany
from appliance.core.ids import new_id
from appliance.core.manifest import Manifest
from appliance.core.web import Authenticator
from appliance.entrypoints import hearing
from appliance.entrypoints import live as process
from appliance.entrypoints.live import build
from tests.core import ledger
from tests.core.ledger import make_entry
from tests.loops import run_async


@dataclass(frozen=True)
class EntryShown:
    user_ids: tuple[UUID, ...]


@pytest.fixture
def manifests():
    heard = dict.fromkeys((ledger.EntryMade, EntryShown), "entries:read")
    return (Manifest("ledger", permissions={"entries:read": ("owner",)}, live=heard),)


PATIENCE_S = 60


@pytest.fixture(autouse=True)
def _no_sign_of_life(monkeypatch):
    """A slow machine is not mistaken for one that has nothing to say."""
    monkeypatch.setattr(live, "KEEP_ALIVE_S", PATIENCE_S)


def emit(box, tenant_id: UUID, account: str) -> None:
    with box.unit(tenant_id) as uow:
        make_entry(uow, account)


async def collect(hub, tenant_id, count, *, after=None, during=None, at_once=lambda: None):
    found = []

    async def read():
        async for note in live.notes_for(hub, tenant_id, after=after):
            if note is not None:
                found.append(note)
            if len(found) >= count:
                return

    reader = asyncio.create_task(read())
    while not reader.done() and (tenant_id not in hub._feeds or hub._feeds[tenant_id].high < 0):  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(0.01)
    at_once()
    if during:
        await asyncio.to_thread(during)
    await asyncio.wait_for(reader, PATIENCE_S)
    return found


async def _hears_redis(box, hub):
    """Told of an organisation that nobody listens to, until it has heard so."""
    heard, hear = asyncio.Event(), hub._hear
    hub._hear = lambda told: (heard.set(), hear(told))
    while not heard.is_set():
        box.redis.publish(LIVE_CHANNEL, json.dumps({"tenant": str(UUID(int=0)), "seq": 0}))
        await asyncio.sleep(0.01)
    hub._hear = hear


def run_with_hub(box, scenario, *, listens=True):
    async def run():
        hub = live.Hub(box)
        pump = asyncio.create_task(hub.run())
        try:
            if listens:
                await _hears_redis(box, hub)
            return await scenario(hub)
        finally:
            pump.cancel()

    return run_async(run())


def test_what_happens_is_heard_in_order_and_once(box, tenant_id):
    def act():
        for number in range(20):
            emit(box, tenant_id, str(number))

    notes = run_with_hub(box, lambda hub: collect(hub, tenant_id, 20, during=act))
    assert [note.ids["account"] for note in notes] == [str(number) for number in range(20)]


def test_a_browser_that_was_away_gets_what_it_missed(box, tenant_id):
    for number in range(5):
        emit(box, tenant_id, str(number))
    notes = run_with_hub(box, lambda hub: collect(hub, tenant_id, 5, after=0))
    again = run_with_hub(box, lambda hub: collect(hub, tenant_id, 2, after=notes[2].seq))
    assert [note.ids["account"] for note in again] == ["3", "4"]


def test_nobody_hears_another_tenant(box, tenant_id, other_tenant_id):
    def act():
        emit(box, other_tenant_id, "theirs")
        emit(box, tenant_id, "mine")

    notes = run_with_hub(box, lambda hub: collect(hub, tenant_id, 1, during=act))
    assert [note.ids["account"] for note in notes] == ["mine"]


def test_without_redis_the_outbox_still_tells(box, tenant_id, monkeypatch):
    monkeypatch.setattr(live, "POLL_S", 0.1)
    box.settings = box.settings.model_copy(update={"redis": box.settings.redis.model_copy(update={"url": "unix:///nowhere.sock"})})
    notes = run_with_hub(box, lambda hub: collect(hub, tenant_id, 1, during=lambda: emit(box, tenant_id, "a")), listens=False)
    assert notes[0].ids["account"] == "a"


def test_a_whisper_is_heard_by_its_tenant_at_once_and_kept_nowhere(box, tenant_id, other_tenant_id):
    def act():
        for tenant, account in ((other_tenant_id, "theirs"), (tenant_id, "ours"), (tenant_id, "ours")):
            with box.unit(tenant, read_only=True) as uow:
                uow.whisper(ledger.EntryMade(new_id(), account))
        emit(box, tenant_id, "written")

    notes = run_with_hub(box, lambda hub: collect(hub, tenant_id, 3, during=act))
    assert [(note.ids["account"], note.seq > 0) for note in notes] == [("ours", False), ("ours", False), ("written", True)]
    assert (notes[0].line.startswith("data: "), notes[2].line.startswith("id: ")) == (True, True)


def test_a_unit_that_broke_off_whispered_nothing(box, tenant_id):
    def act():
        with contextlib.suppress(ZeroDivisionError), box.unit(tenant_id) as uow:
            uow.whisper(ledger.EntryMade(new_id(), "unsaid"))
            raise ZeroDivisionError
        emit(box, tenant_id, "written")

    notes = run_with_hub(box, lambda hub: collect(hub, tenant_id, 1, during=act))
    assert notes[0].ids["account"] == "written"


def test_whispers_do_not_drop_a_slow_reader():
    async def scenario():
        listener = live.Listener(new_id())
        for _ in range(live.QUEUE_LIMIT + 5):
            listener.offer(live.Note(0, "entry.made", {}))
        assert not listener.dropped
        listener.offer(live.Note(7, "entry.made", {}))
        assert listener.dropped

    run_async(scenario())


def test_news_do_not_stand_behind_what_else_waits_in_this_process(box, tenant_id):
    async def scenario(hub):
        done = threading.Event()
        busy = [asyncio.create_task(asyncio.to_thread(done.wait)) for _ in range(64)]  # more than the loop has threads
        try:
            act = threading.Thread(target=emit, args=(box, tenant_id, "a"))
            return await collect(hub, tenant_id, 1, at_once=act.start)
        finally:
            done.set()
            await asyncio.gather(*busy)

    assert [note.ids["account"] for note in run_with_hub(box, scenario)] == ["a"]


def test_who_missed_too_much_is_told_to_fetch_anew(box, tenant_id, monkeypatch):
    monkeypatch.setattr(live, "REPLAY_LIMIT", 3)
    for number in range(5):
        emit(box, tenant_id, str(number))
    notes = run_with_hub(box, lambda hub: collect(hub, tenant_id, 1, after=0))
    assert notes[0].event == live.RESET


def test_a_hub_that_is_ended_while_it_still_connects_ends(box):
    async def scenario(steps):
        running = asyncio.create_task(live.Hub(box).run())
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait({running})
        left = asyncio.all_tasks() - {asyncio.current_task()}
        hanging = (await asyncio.wait(left, timeout=PATIENCE_S))[1] if left else set()
        for one in hanging:
            one.cancel()
        return len(hanging)

    assert [run_async(scenario(steps)) for steps in range(16)] == [0] * 16


def test_a_slow_reader_is_let_go_instead_of_buffered_without_bound():
    async def scenario():
        listener = live.Listener(UUID(int=1))
        for number in range(live.QUEUE_LIMIT + 1):
            listener.offer(live.Note(number, "x", {}))
        return listener.dropped, listener.queue.qsize()

    assert run_async(scenario()) == (True, live.QUEUE_LIMIT)


@pytest.mark.parametrize(("permission", "heard"), [("entries:read", True), ("entries:write", False)])
def test_an_event_is_heard_by_who_holds_its_permission(box, somebody, tenant_id, monkeypatch, permission, heard):
    monkeypatch.setattr(live, "KEEP_ALIVE_S", PATIENCE_S if heard else 1.0)
    box.provide(Authenticator, somebody)
    somebody.may(permission)

    async def scenario(hub):
        request = Request({"type": "http", "headers": [], "method": "GET", "path": "/events", "scheme": "http", "query_string": b""})
        lines = process._lines(box, hub, request, somebody.principal, None)
        assert (await anext(lines)).startswith("retry")
        await asyncio.to_thread(emit, box, tenant_id, "a")
        line = await asyncio.wait_for(anext(lines), PATIENCE_S)
        await lines.aclose()
        return line

    assert ("entry.made" in run_with_hub(box, scenario)) is heard


@pytest.mark.parametrize(("via", "heard"), [("cookie", ["mine alone", None]), ("api_key", ["other", "both", None])])
def test_what_names_its_people_is_told_to_them_without_the_others_and_to_programs_whole(box, somebody, tenant_id, via, heard):
    somebody.principal = replace(somebody.principal, via=via)
    box.provide(Authenticator, somebody)
    mine, other = somebody.principal.user_id, new_id()
    called = {(str(mine),): "mine alone", (str(other),): "other", (str(other), str(mine)): "both"}

    def happen():
        with box.unit(tenant_id) as uow:
            uow.emit_all([EntryShown((other,)), EntryShown((other, mine))])
            make_entry(uow, "a")

    async def scenario(hub):
        request = Request({"type": "http", "headers": [], "method": "GET", "path": "/events", "scheme": "http", "query_string": b""})
        told = hearing.heard(box, hub, request, somebody.principal, after=None)
        assert await anext(told) is None
        await asyncio.to_thread(happen)
        notes = [await asyncio.wait_for(anext(told), PATIENCE_S) for _ in heard]
        await told.aclose()
        return [called.get(tuple(note.ids["user_ids"])) if note.event == "entry.shown" else None for note in notes]

    assert run_with_hub(box, scenario) == heard


def test_the_stream_needs_a_sign_in(box, somebody, tenant_id):
    box.provide(Authenticator, somebody)

    async def ask(path):
        config = uvicorn.Config(build(box), port=0, log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag, not an event
            await asyncio.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            async with httpx.AsyncClient(timeout=PATIENCE_S) as client, client.stream("GET", f"http://127.0.0.1:{port}{path}") as answer:
                if answer.status_code != 200:
                    return answer.status_code, ""
                async for line in answer.aiter_lines():
                    if line.startswith("retry:"):
                        await asyncio.to_thread(emit, box, tenant_id, "a")
                    if line.startswith("data:"):
                        return 200, line
        finally:
            server.force_exit = server.should_exit = True
            await serving
        return None

    status, line = run_async(ask("/events"))
    assert status == 200
    assert '"event": "entry.made"' in line
    somebody.principal = None
    assert run_async(ask("/events"))[0] == 401


@pytest.fixture
def hear_after(box, somebody, tenant_id, monkeypatch):
    """What a stream says of an event that happens once `changed` has run."""
    monkeypatch.setattr(hearing, "RECHECK_S", 0.0)
    box.provide(Authenticator, somebody)

    def heard_after(changed):
        async def scenario(hub):
            request = Request({"type": "http", "headers": [], "method": "GET", "path": "/events", "scheme": "http", "query_string": b""})
            lines = process._lines(box, hub, request, somebody.principal, None)
            assert (await anext(lines)).startswith("retry")
            following = asyncio.create_task(anext(lines, "closed"))
            await asyncio.sleep(0)
            changed()
            await asyncio.to_thread(emit, box, tenant_id, "secret")
            return await asyncio.wait_for(following, PATIENCE_S)

        return run_with_hub(box, scenario)

    return heard_after


def test_who_may_no_longer_listen_hears_nothing_more_within_seconds(somebody, hear_after):
    assert hear_after(lambda: setattr(somebody, "principal", None)) == "closed"


def test_a_key_that_calls_more_than_it_may_goes_on_hearing(somebody, hear_after, monkeypatch):
    def calls_too_much(*_):
        raise TooMany("Too many calls.", retry_after=30)

    assert "secret" in hear_after(lambda: monkeypatch.setattr(somebody, "authenticate", calls_too_much))


def test_a_burst_larger_than_one_read_arrives_whole_and_at_once(box, tenant_id, monkeypatch):
    monkeypatch.setattr(live, "REPLAY_LIMIT", 20)
    monkeypatch.setattr(live, "POLL_S", 2 * PATIENCE_S)

    def act():
        for number in range(70):
            emit(box, tenant_id, str(number))

    notes = run_with_hub(box, lambda hub: collect(hub, tenant_id, 70, during=act))
    assert [note.ids["account"] for note in notes] == [str(number) for number in range(70)]


def test_a_browser_that_leaves_while_joining_does_not_silence_the_next(box, tenant_id):
    async def scenario(hub):
        leaving = asyncio.create_task(hub.join(tenant_id))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        return await collect(hub, tenant_id, 1, during=lambda: emit(box, tenant_id, "heard"))

    assert [note.ids["account"] for note in run_with_hub(box, scenario)] == ["heard"]


def test_one_person_holds_ten_streams_and_the_eleventh_ends_the_oldest(box, somebody, tenant_id):
    async def scenario(hub):
        request = Request({"type": "http", "headers": [], "method": "GET", "path": "/events", "scheme": "http", "query_string": b""})
        opened = [process._lines(box, hub, request, somebody.principal, None) for _ in range(live.MOST_OF_A_PERSON + 1)]
        others = process._lines(box, hub, request, replace(somebody.principal, user_id=UUID(int=9)), None)
        greetings = [await anext(lines) for lines in [others, *opened]]
        oldest = [line async for line in opened[0]]
        await asyncio.to_thread(emit, box, tenant_id, "heard")
        heard = [await asyncio.wait_for(anext(lines), PATIENCE_S) for lines in (opened[1], opened[-1], others)]
        for lines in (*opened, others):
            await lines.aclose()
        return greetings, oldest, heard

    box.provide(Authenticator, somebody)
    greetings, oldest, heard = run_with_hub(box, scenario)
    assert (len(greetings), oldest) == (12, [process.AGAIN_MUCH_LATER])
    assert ["heard" in line for line in heard] == [True, True, True]


def test_one_organisation_does_not_hold_every_stream(box, tenant_id, other_tenant_id, monkeypatch):
    monkeypatch.setattr(live, "MOST_OF_A_TENANT", 3)

    async def scenario(hub):
        listeners = [await hub.join(tenant_id, UUID(int=number)) for number in range(1, 4)]
        with pytest.raises(TooMany):
            await hub.join(tenant_id, UUID(int=4))
        await hub.join(other_tenant_id, UUID(int=5))
        hub.leave(listeners[0])
        return await hub.join(tenant_id, UUID(int=4))

    assert run_with_hub(box, scenario).tenant_id == tenant_id
