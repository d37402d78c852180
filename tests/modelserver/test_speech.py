"""Speech over the wire and in the engine: the real library, a model of random weights, a made voice."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import openai
import pytest

from appliance.core.config import ModelSettings
from appliance.inference import engines, wire
from appliance.inference.errors import ModelRefused, NoModel
from appliance.inference.http import HttpInference
from modelserver.hub import MOST_SOUNDS, Hub
from modelserver.options import Options
from modelserver.problems import Problem
from modelserver.speech.sound import LONGEST_S, RATE, check, samples
from modelserver.speech.whisper import Asked, Whisper
from tests.loops import run_async
from tests.modelserver import tiny_whisper
from tests.modelserver.running import Running
from tests.modelserver.sounds import framed, silence, sound, voice, wav

ROUTE = "/v1/audio/transcriptions"


def transcribe(client: httpx.Client, content: bytes, **fields: str) -> httpx.Response:
    return client.post(ROUTE, files={"file": ("note.wav", content)}, data={"response_format": "verbose_json", **fields})


def test_the_openai_client_reads_words_and_when_they_were_said(server: Running) -> None:
    spoken = wav(np.concatenate([silence(4), voice(3)]))
    with server.client() as http:
        api = openai.OpenAI(base_url="http://models/v1", api_key="none", http_client=http)
        found = api.audio.transcriptions.create(
            model=tiny_whisper.NAME, file=("note.wav", spoken), language="pt", prompt="Aurora", response_format="verbose_json",
        )  # fmt: skip
    assert (found.language, found.duration) == ("pt", 7.0)
    assert found.segments
    assert found.text == " ".join(one.text for one in found.segments)
    assert all(3.5 < one.start <= one.end <= 7 for one in found.segments), "in the sound as it came, not as it was listened to"
    assert all(one.avg_logprob <= 0 for one in found.segments)


def test_the_language_is_found_out_and_the_model_need_not_be_named(client: httpx.Client) -> None:
    told = transcribe(client, sound(seconds=2)).raise_for_status().json()
    assert told["model"] == tiny_whisper.NAME
    assert len(told["language"]) in {2, 3}
    assert 0 < told["segments"][0]["confidence"] <= 1


def test_words_alone_come_as_json_or_as_text(client: httpx.Client) -> None:
    content = sound(seconds=1)
    as_json, as_text = (transcribe(client, content, language="pt-BR", response_format=form) for form in ("json", "text"))
    assert as_json.json() == {"text": as_text.text.strip()}
    assert as_text.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("quiet", [silence(3), np.zeros(RATE, np.float32), np.zeros(0, np.float32)], ids=["room", "zeros", "nothing"])
def test_where_nobody_speaks_nothing_is_written(client: httpx.Client, quiet: np.ndarray) -> None:
    told = transcribe(client, wav(quiet)).raise_for_status().json()
    assert (told["text"], told["segments"]) == ("", [])


@pytest.mark.parametrize(
    ("content", "fields", "expected"),
    [
        (b"ID3 and then music", {}, (400, "bad_sound", "not a WAV")),
        (b"", {}, (400, "bad_sound", "not a WAV")),
        (sound(seconds=1, channels=2), {}, (400, "bad_sound", "2 channel")),
        (sound(seconds=1, rate=8000), {}, (400, "bad_sound", "8000 Hz")),
        (sound(seconds=1), {"language": "xx"}, (422, "bad_request", "language: xx")),
        (sound(seconds=1), {"response_format": "srt"}, (422, "bad_request", "response_format")),
        (sound(seconds=1), {"model": "nowhere"}, (404, "model_not_found", "nowhere")),
        (sound(seconds=1), {"model": "whisper-damaged"}, (422, "model_unreadable", "damaged")),
    ],
    ids=["music", "empty", "stereo", "telephone", "language", "format", "model", "damaged"],
)
def test_what_cannot_be_heard_is_said(
    client: httpx.Client, content: bytes, fields: dict[str, str], expected: tuple[int, str, str]
) -> None:
    response = transcribe(client, content, **fields)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == expected[:2]
    assert expected[2] in error["message"]


def test_what_is_too_long_is_not_begun() -> None:
    with pytest.raises(Problem, match="31 minutes"):
        check(framed(bytes(2 * RATE * (LONGEST_S + 60))))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"json": {"model": "x"}}, "multipart/form-data"),
        ({"files": {"sound": b"x"}}, "file: the sound is missing."),
        ({"data": {"file": "words"}, "files": {"other": b"x"}}, "file: the sound is missing."),
        ({"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}, "cannot be read"),
    ],
)
def test_a_form_without_a_sound_is_refused(client: httpx.Client, body: dict[str, object], said: str) -> None:
    response = client.post(ROUTE, **body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_form")
    assert said in response.json()["error"]["message"]


def test_memory_and_readiness_know_the_model_of_speech(client: httpx.Client) -> None:
    transcribe(client, sound(seconds=1)).raise_for_status()
    loaded = {one["name"]: one["memory_bytes"] for one in client.get("/v1/memory").json()["models"]}
    assert loaded[tiny_whisper.NAME] > 0
    assert tiny_whisper.NAME in client.get("/health/ready").json()["transcription_models"]


def test_a_server_told_to_end_while_it_listens_asks_to_come_again_and_ends(tmp_path: Path) -> None:
    running = Running(tmp_path)
    tiny_whisper.install(running.models, endless=True)
    running.start()
    content = sound(seconds=60)
    with running.client() as caller, running.client() as client, ThreadPoolExecutor(1) as beside:
        answer = beside.submit(transcribe, caller, content)
        while not any(one["name"] == tiny_whisper.NAME and one["inside"] for one in client.get("/v1/memory").json()["queues"]):
            time.sleep(0.01)
        assert running.stop() == 0
        told = answer.result(60)
    assert (told.status_code, told.json()["error"]["code"]) == (503, "ending")


def test_the_port_brings_words_home_from_the_server(server: Running) -> None:
    spoken, models = wav(np.concatenate([silence(2), voice(2)])), ModelSettings(transcription_model=tiny_whisper.NAME)
    client = HttpInference(models, wire.ModelServer(server.socket, timeout_s=60), engines.NoEngine())
    try:
        heard = client.transcribe(spoken, language="pt", prompt="Aurora")
        assert (heard.language, heard.seconds, heard.model) == ("pt", 4.0, tiny_whisper.NAME)
        assert heard.text == " ".join(one.text for one in heard.segments)
        assert all(1.5 < one.start_s <= one.end_s <= 4 and 0 < one.confidence <= 1 for one in heard.segments)
        assert client.transcribe(wav(silence(1))).segments == ()
        assert client.ready().can_hear
        with pytest.raises(ModelRefused, match="WAV"):
            client.transcribe(b"OggS")
        with pytest.raises(NoModel):
            client.transcribe(spoken, model="nowhere")
    finally:
        client.close()


def test_a_box_that_names_an_absent_model_of_speech_hears_nothing(server: Running) -> None:
    models = ModelSettings(transcription_model="whisper-small")
    client = HttpInference(models, wire.ModelServer(server.socket, timeout_s=60), engines.NoEngine())
    try:
        assert not client.ready().can_hear
        with pytest.raises(NoModel):
            client.transcribe(sound(seconds=1))
    finally:
        client.close()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_whisper.install(folder)
    return folder


@pytest.fixture(scope="module")
def hub(models: Path) -> Iterator[Hub]:
    hub = Hub(Options(models, models, threads=1, idle_unload_s=0.01))
    yield hub
    hub.close()


def test_a_full_queue_turns_the_next_away(hub: Hub) -> None:
    async def one_too_many() -> None:
        with ExitStack() as inside:
            for _ in range(MOST_SOUNDS):
                inside.enter_context(hub.lane(tiny_whisper.NAME, most=MOST_SOUNDS).admit())
            await hub.transcribe(sound(seconds=1), None, Asked())

    with pytest.raises(Problem) as caught:
        run_async(one_too_many())
    assert (caught.value.status, caught.value.code) == (503, "busy")
    assert caught.value.retry_after


def test_an_idle_model_of_speech_is_let_go_and_comes_back(hub: Hub) -> None:
    content = sound(seconds=1)
    first = run_async(hub.transcribe(content, None, Asked("pt")))
    lane = hub.lane(tiny_whisper.NAME)
    while not lane.idle:  # its thread has answered, but may not have come to rest
        time.sleep(0.01)
    lane.last_used -= 1
    assert run_async(hub.unload_idle()) == [tiny_whisper.NAME]
    assert hub.loaded == {}
    assert run_async(hub.transcribe(content, None, Asked("pt"))).found.text == first.found.text


class Leaves(threading.Event):
    """Somebody who has gone when they are asked for the third time."""

    asked = 0

    def is_set(self) -> bool:
        self.asked += 1
        return self.asked > 2


def test_what_nobody_waits_for_any_more_is_not_listened_to_further(hub: Hub) -> None:
    engine: Whisper = hub.load(hub.find(None, "transcription")).engine
    who = Leaves()
    with pytest.raises(Problem, match="went away"):
        engine.transcribe(samples(sound(seconds=25)), Asked("pt"), who)
    assert who.asked < 6
    assert engine.transcribe(samples(sound(seconds=1)), Asked("pt"), threading.Event()).text, "and the next one is"


def test_nothing_of_one_sound_is_left_for_the_next(hub: Hub) -> None:
    engine: Whisper = hub.load(hub.find(None, "transcription")).engine
    spoken = samples(sound(seconds=2))
    plain = engine.transcribe(spoken, Asked("pt"), threading.Event())
    engine.transcribe(spoken, Asked("en", "Aurora, Boreal", 0.9), threading.Event())
    assert engine.transcribe(spoken, Asked("pt"), threading.Event()) == plain


def test_nobody_can_read_on_the_disk_what_was_said(server: Running) -> None:
    """A form is usually put into a file while it arrives."""
    assert server.process is not None
    opened = Path(f"/proc/{server.process.pid}/fd")
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(server.socket))
        form = httpx.Request("POST", "http://models" + ROUTE, files={"file": wav(np.zeros(120 * RATE, np.float32))})
        body = form.read()
        head = "".join(f"{name}: {value}\r\n" for name, value in form.headers.items())
        caller.sendall(f"POST {ROUTE} HTTP/1.1\r\n{head}\r\n".encode() + body[:-100])
        with server.client() as client:
            client.get("/health").raise_for_status()
            assert not [told for one in opened.iterdir() if int(one.name) > 2 and "(deleted)" in (told := leads_to(one))]


def leads_to(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""
