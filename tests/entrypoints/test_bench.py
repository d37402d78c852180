"""What `salesedge bench` and `salesedge models bench` measure, by a real model server and on both databases."""

import contextlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import event, func, select

from appliance.core import bench, crypto
from appliance.core.box import Box
from appliance.core.config import ModelSettings, Settings
from appliance.core.housekeeping import CronRun
from appliance.entrypoints import cli_bench
from appliance.entrypoints.cli import cli
from appliance.inference.bench import PASSAGE, used
from appliance.inference.types import ModelInfo
from tests.inference.peers import Scripted, serving
from tests.inference.test_engines import ollama
from tests.modelserver import tiny_gguf, tiny_reranker
from tests.modelserver.running import Running

EMBEDDER = "minilm-l6-v2-int8"
AWAY = "The box has to run while its models are measured. The model server does not answer; it may be starting."
CHATS = {"SALESEDGE__MODELS__CHAT_ENGINE": "modelserver", "SALESEDGE__MODELS__CHAT_MODEL": "endless"}
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("server"))
    tiny_gguf.write(running.models / "endless.gguf", endless=True)
    tiny_reranker.install(running.models)
    (running.models / "broken.gguf").write_bytes(b"GGUF and then nothing")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def run(tmp_path: Path, redis_address: str) -> Command:
    """A command given to a box whose Redis runs; whether its model server does is up to the test."""
    own = {
        "SALESEDGE_HOME": str(tmp_path / "data"), "SALESEDGE_CONFIG": str(tmp_path / "config.toml"), "SALESEDGE__LOGS__LEVEL": "error",
        "SALESEDGE__KEYS__MASTER_KEY_FILE": str(tmp_path / "master.key"), "SALESEDGE__REDIS__URL": redis_address, "LC_ALL": "en_US.UTF-8",
    }  # fmt: skip
    return lambda *arguments, **more: CliRunner().invoke(cli, arguments, env=own | more)


@pytest.fixture
def served(run: Command, running: Running, tmp_path: Path) -> Command:
    (tmp_path / "data" / "run").mkdir(parents=True, exist_ok=True)
    (tmp_path / "data" / "run" / "models.sock").symlink_to(running.socket)
    return run


@pytest.fixture
def migrated(run: Command, tmp_path: Path) -> Command:
    crypto.create_master_key(tmp_path / "master.key")
    assert run("migrate").exit_code == 0
    return run


def test_models_the_box_uses_are_measured(served: Command) -> None:
    done = served("models", "bench", "--json", **CHATS)
    assert done.exit_code == 0, done.output
    chat, embedding, rerank = json.loads(done.output)
    assert (chat.pop("name"), chat.pop("task")) == ("endless", "chat")
    assert (embedding.pop("name"), embedding.pop("task")) == (EMBEDDER, "embedding")
    assert (rerank.pop("name"), rerank.pop("task")) == (tiny_reranker.NAME, "rerank")
    assert set(chat) == {"first_token_ms", "prompt_tokens_per_s", "tokens_per_s"}
    assert set(embedding) == {"passages_per_s", "question_ms"}
    assert set(rerank) == {"pairs_per_s"}
    assert all(figure > 0 for figure in (*chat.values(), *embedding.values(), *rerank.values()))


def test_a_line_says_each_figure_with_its_unit(served: Command) -> None:
    said = served("models", "bench", EMBEDDER, "endless").output.splitlines()
    number = r"[\d.,]*[1-9][\d.,]*"
    assert len(said) == 2
    assert re.fullmatch(rf"embedding +{EMBEDDER} +{number} passages of 100 words per second, {number} ms for a question", said[0])
    writes = rf"reads {number} tokens per second, writes {number} tokens per second"
    assert re.fullmatch(rf"chat +endless +{number} ms to the first token, {writes}", said[1])


def test_a_line_is_portuguese_with_its_decimals(served: Command) -> None:
    said = served("models", "bench", "endless", LC_ALL="pt_BR.UTF-8").output
    assert "ms até o primeiro token, lê " in said
    assert re.search(r"escreve [\d.]+(,\d+)? tokens por segundo$", said)


def test_a_passage_has_the_hundred_words_that_are_promised() -> None:
    assert len(PASSAGE.split()) == 100


@pytest.mark.parametrize(
    ("engine", "named", "expected"),
    [
        ("none", "", ["minilm"]), ("modelserver", "", ["first", "minilm"]), ("modelserver", "second", ["second", "minilm"]),
        ("ollama", "llama3", ["llama3", "minilm"]), ("modelserver", "gone", ["gone", "minilm"]),
    ],
)  # fmt: skip
def test_what_the_box_does_not_ask_stays_out_of_its_memory(engine: str, named: str, expected: list[str]) -> None:
    found = [
        ModelInfo("first", "chat", "gguf"), ModelInfo("other", "embedding", "onnx"), ModelInfo("second", "chat", "gguf"),
        ModelInfo("minilm", "embedding", "onnx"), ModelInfo("ear", "transcription", "whisper.cpp"),
    ]  # fmt: skip
    settings = ModelSettings(chat_engine=engine, chat_model=named, embedding_model="minilm")
    assert [one.name for one in used(settings, found)] == expected


def test_a_model_that_does_not_run_says_why_and_the_others_are_measured(served: Command) -> None:
    done = served("models", "bench", "broken", EMBEDDER, "--json")
    assert done.exit_code == 1
    broken, embedding = json.loads(done.output)
    assert set(broken) == {"name", "task", "reason"}
    assert broken["reason"].startswith("The model server refused: ")
    assert embedding["passages_per_s"] > 0


def test_a_model_at_an_engine_elsewhere_is_asked_there(served: Command) -> None:
    peer = Scripted(ollama("Sete dias corridos."))
    with serving(peer.kind()) as address:
        there = {"CHAT_ENGINE": "ollama", "CHAT_MODEL": "llama3:8b", "CHAT_URL": address}
        named = {f"SALESEDGE__MODELS__{name}": value for name, value in there.items()}
        done = served("models", "bench", "llama3:8b", "--json", **named, SALESEDGE__LOGS__LEVEL="info")
    assert done.exit_code == 0, done.output
    assert "outbound" in done.stderr
    (chat,) = json.loads(done.stdout)
    assert chat["first_token_ms"] > 0
    assert chat["prompt_tokens_per_s"] == pytest.approx(11 / chat["first_token_ms"] * 1000)  # the eleven tokens that the engine counted
    first, second = (str(body["messages"]) for _path, body, _key in peer.seen)
    assert first[:60] != second[:60]  # what an engine keeps of a prompt helps it with the next one only as far as both are the same


def test_a_model_of_the_settings_that_is_not_installed_is_told(served: Command) -> None:
    done = served("models", "bench", **CHATS | {"SALESEDGE__MODELS__CHAT_MODEL": "gone", "SALESEDGE__MODELS__EMBEDDING_MODEL": "lost"})
    assert done.exit_code == 1
    chat, embedding, *_others = (" ".join(line.split()) for line in done.output.splitlines())
    assert chat == "chat gone No chat model called gone is installed here."
    assert embedding == "embedding lost No embedding model called lost is installed here."


def test_a_name_that_is_not_installed_is_refused(served: Command) -> None:
    refused = served("models", "bench", EMBEDDER, "nix")
    assert (refused.exit_code, refused.output) == (1, "Error: No model called nix is installed.\n")


def test_a_box_that_does_not_run_is_told_to(run: Command) -> None:
    refused = run("models", "bench")
    assert (refused.exit_code, refused.output) == (1, f"Error: {AWAY}\n")


def test_the_machine_is_measured_and_nothing_is_left(migrated: Command, served: Command, tmp_path: Path) -> None:
    before = files(tmp_path)
    done = migrated("bench", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert {name: set(part) for name, part in told.items() if name != "models"} == {
        "disk": {"durable_writes_per_s", "p50_ms", "p95_ms"}, "database": {"kind", "transactions_per_s", "p50_ms", "p95_ms"},
        "redis": {"p50_ms", "p95_ms"}, "processor": {"cores", "python_steps_per_s"},
    }  # fmt: skip
    assert all(figure > 0 for name in ("disk", "redis", "processor") for figure in told[name].values())
    assert told["database"]["transactions_per_s"] > 0
    assert [one["name"] for one in told["models"]] == [EMBEDDER, tiny_reranker.NAME]
    assert files(tmp_path) == before


def files(folder: Path) -> set[Path]:
    """Without those that each process adds its own counts to."""
    return {path for path in folder.rglob("*") if "metrics" not in path.parts and path.name not in {"salesedge.db-wal", "salesedge.db-shm"}}


def test_what_does_not_run_is_told_beside_what_was_measured(migrated: Command, tmp_path: Path) -> None:
    away = {"SALESEDGE__REDIS__URL": f"unix://{tmp_path}/none.sock"}
    said = migrated("bench", **away)
    assert said.exit_code == 1
    lines = said.output.splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == ["Disk", "Database (SQLite)"]
    assert lines[2] == "Redis does not answer."
    assert re.fullmatch(r"Processor \(cores: \d+\): [\d.,]+ million steps of a Python loop per second on one\.", lines[3])
    assert lines[4:] == [AWAY]


def test_what_the_minute_leaves_no_time_for_is_said(running: Running, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "models.sock").symlink_to(running.socket)
    (first, *_others) = cli_bench._measured(Settings(home=tmp_path), (), within_s=0)
    assert first.reason == f"The minute is over; measure it with `salesedge models bench {EMBEDDER}`."


def test_a_killed_bench_leaves_no_file(tmp_path: Path) -> None:
    """Whatever the moment: the file that is written to has no name while it is."""
    measured: list[bench.Timings] = []
    writing = threading.Thread(target=lambda: measured.append(bench.durable_writes(tmp_path)))
    writing.start()
    seen = False
    while writing.is_alive():
        assert list(tmp_path.iterdir()) == []
        seen = seen or any(target.startswith(str(tmp_path)) for target in open_files())
    assert seen
    assert measured[0].ms(0.5) <= measured[0].ms(0.95)


def test_each_write_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, synced = os.fsync, []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(sync(file)))
    written = bench.durable_writes(tmp_path).seconds
    assert len(synced) == len(written) + 1  # the first is not counted


def open_files() -> Iterator[str]:
    for opened in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            yield str(opened.readlink())


def test_transactions_are_committed_and_leave_no_row(box: Box) -> None:
    commits: list[object] = []
    event.listen(box.database.engine, "commit", commits.append)
    timings = bench.transactions(box)
    assert len(commits) == len(timings.seconds) + 1
    with box.whole_box("test", read_only=True) as uow:
        assert uow.session.scalar(select(func.count()).select_from(CronRun)) == 0


def test_what_comes_first_is_not_counted() -> None:
    done: list[int] = []
    timings = bench.repeat(lambda: done.append(1), for_s=0)
    assert (len(done), len(timings.seconds)) == (2, 1)
    spread = bench.Timings([0.001 * at for at in range(1, 21)])
    assert (round(spread.ms(0.5)), round(spread.ms(0.95)), round(spread.per_s)) == (11, 20, 95)
