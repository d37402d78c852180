"""Getting models onto the box, over connections and disks that fail."""

import hashlib
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from appliance.core import outbound
from appliance.core.config import NetworkMode, NetworkSettings
from appliance.core.errors import Conflict, NotFound, Refused, Unavailable
from appliance.core.outbound import Outbound
from appliance.entrypoints import cli_models
from appliance.inference.catalog import Models, read_catalogue
from appliance.inference.download import Fetcher
from modelserver.shelf import Shelf
from tests.inference.peers import FileHost, serving
from tests.modelserver import tiny_gguf, tiny_whisper

CONTENT = bytes(range(256)) * 40_000  # ten megabytes
DIGEST = hashlib.sha256(CONTENT).hexdigest()
ENTRY = """
    [[model]]
    name = "tiny"
    title = "Tiny"
    task = "chat"
    engine = "gguf"
    languages = ["pt"]
    licence = "Apache-2.0"
    size_bytes = {size}
    ram_mb = 100
    vram_mb = 100
    rank = 1
    notes = ""
    [[model.files]]
    file = "tiny.gguf"
    source = "{source}"
    sha256 = "{sha256}"
"""


def silent(_name: str, _have: int, _total: int) -> None:
    """Nobody is watching."""


class Shop:
    """A model folder, a catalogue of one model, and the host it comes from."""

    def __init__(self, folder: Path, address: str, host: FileHost) -> None:
        self.folder, self.host = folder / "models", host
        self.address, self._catalogue = address, folder / "catalog"
        self._catalogue.mkdir()

    def models(self, *, sha256: str = DIGEST, path: str = "/file/tiny.gguf", size: int = 1000, sealed: bool = False) -> Models:
        entry = dedent(ENTRY).format(source=self.address + path, sha256=sha256, size=size)
        (self._catalogue / "chat.toml").write_text(entry)
        return self.opened(sealed=sealed)

    def add(self, files: str) -> None:
        with (self._catalogue / "chat.toml").open("a") as entry:
            entry.write(dedent(files))

    def opened(self, *, sealed: bool = False) -> Models:
        vouched = () if sealed else ("127.0.0.1",)
        outbound = Outbound(NetworkSettings(mode=NetworkMode.SEALED, private_hosts=vouched))
        return Models(self.folder, Fetcher(partial(outbound.client, "models pull")), catalogue=self._catalogue)

    def partials(self) -> list[Path]:
        return [path for path in (self.folder / ".partial").glob("*") if path.suffix != ".etag"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    host = FileHost(CONTENT)
    with serving(host.kind()) as address:
        yield Shop(tmp_path, address, host)


def test_a_pulled_model_is_listed_and_verifies(shop: Shop) -> None:
    models, seen = shop.models(), []
    done = models.pull("tiny", lambda _name, have, total: seen.append((have, total)))
    assert (done.hashes, done.pinned) == ({"tiny.gguf": DIGEST}, ())
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [(one.model.name, one.installed) for one in models.list_models()] == [("tiny", True)]
    assert [one.ok for one in models.verify()] == [True]
    assert json.loads((shop.folder / "tiny" / "model.json").read_text())["task"] == "chat"
    assert shop.partials() == []


def test_a_download_that_breaks_off_is_continued_where_it_stopped(shop: Shop) -> None:
    shop.host.breaks = [3_000_000, 2_000_000]
    assert shop.models().pull("tiny", silent).hashes["tiny.gguf"] == DIGEST
    assert shop.host.asked[0] == ""
    assert shop.host.asked[1:] == ["bytes=3000000-", "bytes=5000000-"]


def test_what_arrived_is_kept_for_the_next_command(shop: Shop) -> None:
    shop.host.breaks = [1_000_000] * 4
    with pytest.raises(Unavailable):
        shop.models().pull("tiny", silent)
    (kept,) = shop.partials()
    assert kept.stat().st_size == 4_000_000
    assert shop.models().pull("tiny", silent).hashes["tiny.gguf"] == DIGEST
    assert shop.host.asked[-1] == "bytes=4000000-"


def test_a_file_that_changed_meanwhile_is_started_over(shop: Shop) -> None:
    shop.host.breaks = [1_000_000] * 4
    with pytest.raises(Unavailable):
        shop.models(sha256="").pull("tiny", silent)
    shop.host.content = b"another" * 500_000
    done = shop.models(sha256="").pull("tiny", silent)
    assert done.hashes["tiny.gguf"] == hashlib.sha256(shop.host.content).hexdigest()


def test_a_wrong_checksum_is_refused_and_nothing_is_installed(shop: Shop) -> None:
    models = shop.models(sha256="0" * 64)
    with pytest.raises(Refused, match="wrong checksum"):
        models.pull("tiny", silent)
    assert (models.installed(), shop.partials()) == ({}, [])


def test_without_a_known_checksum_the_first_download_is_remembered(shop: Shop) -> None:
    assert shop.models(sha256="").pull("tiny", silent).pinned == ("tiny.gguf",)
    assert shop.models(sha256="").pull("tiny", silent).pinned == ()
    shop.host.content = CONTENT[:-1] + b"!"
    with pytest.raises(Refused, match="wrong checksum"):
        shop.models(sha256="").pull("tiny", silent)
    assert [one.ok for one in shop.models(sha256="").verify("tiny")] == [True]


def test_redirects_are_followed_one_checked_hop_at_a_time(shop: Shop) -> None:
    assert shop.models(path="/moved/file/tiny.gguf").pull("tiny", silent).hashes["tiny.gguf"] == DIGEST


def test_a_file_that_is_gone_says_so(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.models(path="/nowhere").pull("tiny", silent)


def test_a_sealed_box_pulls_nothing(shop: Shop) -> None:
    with pytest.raises(Refused, match="sealed"):
        shop.models(sealed=True).pull("tiny", silent)
    assert shop.host.asked == []


def test_a_model_that_does_not_fit_the_disk_is_not_begun(shop: Shop) -> None:
    with pytest.raises(Conflict, match="MB"):
        shop.models(size=10**15).pull("tiny", silent)
    assert shop.host.asked == []


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """A file cannot grow beyond `size`, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_says_so_and_keeps_what_arrived(shop: Shop) -> None:
    with files_up_to(2_000_000), pytest.raises(Conflict, match="disk is full"):
        shop.models().pull("tiny", silent)
    (kept,) = shop.partials()
    assert kept.stat().st_size == 2_000_000
    assert shop.models().pull("tiny", silent).hashes["tiny.gguf"] == DIGEST
    assert shop.host.asked[-1] == "bytes=2000000-"


def test_an_import_that_does_not_fit_leaves_nothing_behind(shop: Shop, tmp_path: Path) -> None:
    source = tiny_gguf.write(tmp_path / "own.gguf")
    with files_up_to(100_000), pytest.raises(Conflict, match="disk is full"):
        shop.models().import_file(source)
    assert [path.name for path in shop.folder.iterdir()] == []
    assert shop.models().import_file(source) == "own"


def test_the_files_of_a_model_that_are_complete_are_not_fetched_again(shop: Shop) -> None:
    more = f"""
    [[model.files]]
    file = "second.bin"
    source = "{shop.address}/file/second.bin"
    sha256 = "{DIGEST}"
"""
    shop.models()
    shop.add(more)
    shop.host.breaks = [len(CONTENT), *[0] * 4]
    with pytest.raises(Unavailable):
        shop.opened().pull("tiny", silent)
    asked = len(shop.host.asked)
    assert set(shop.opened().pull("tiny", silent).hashes) == {"tiny.gguf", "second.bin"}
    assert shop.host.asked[asked:] == [f"bytes={len(CONTENT)}-", ""], "the first is only asked whether there is more"
    assert list((shop.folder / ".partial").iterdir()) == []


def test_a_file_that_rots_is_found(shop: Shop) -> None:
    models = shop.models()
    models.pull("tiny", silent)
    with (shop.folder / "tiny" / "tiny.gguf").open("r+b") as file:
        file.write(b"rot")
    assert [one.ok for one in models.verify("tiny")] == [False]


def test_a_removed_model_is_gone(shop: Shop) -> None:
    models = shop.models()
    models.pull("tiny", silent)
    models.remove("tiny")
    assert models.installed() == {}
    with pytest.raises(NotFound):
        models.remove("tiny")


def test_a_gguf_from_a_stick_is_imported_under_a_safe_name(shop: Shop, tmp_path: Path) -> None:
    source = tiny_gguf.write(tmp_path / "My Model (1).gguf")
    assert shop.models().import_file(source) == "my-model--1"
    assert shop.models().verify("my-model--1")[0].ok


def test_a_folder_is_imported_whole(shop: Shop, tmp_path: Path) -> None:
    source = tmp_path / "Saved"
    (source / "1_Pooling").mkdir(parents=True)
    (source / "modules.json").write_text("[]")
    (source / "1_Pooling" / "config.json").write_text("{}")
    assert shop.models().import_file(source) == "saved"
    assert shop.models().installed()["saved"]["engine"] == "sentence-transformers"
    assert (shop.folder / "saved" / "1_Pooling" / "config.json").exists()
    assert shop.models().verify("saved")[0].ok


def test_a_model_of_speech_is_imported_listed_and_found_by_the_model_server(tmp_path: Path) -> None:
    source = tiny_whisper.write(tmp_path / "ggml-kleines.bin")
    models = Models(tmp_path / "models", Fetcher(partial(Outbound(NetworkSettings()).client, "models pull")))
    assert models.import_file(source) == "ggml-kleines"
    [found] = [one.model for one in models.list_models() if one.installed and one.model.name == "ggml-kleines"]
    assert (found.task, found.size_bytes >= source.stat().st_size) == ("transcription", True)
    assert models.verify("ggml-kleines")[0].ok
    assert Shelf(tmp_path / "models").find(None, "transcription").engine == "whisper.cpp"


def test_nothing_takes_the_name_of_a_model_that_ships_with_the_box(tmp_path: Path) -> None:
    source = tiny_gguf.write(tmp_path / "other.gguf")
    models = Models(tmp_path / "models", Fetcher(partial(Outbound(NetworkSettings()).client, "models pull")))
    with pytest.raises(Refused, match="part of the box"):
        models.import_file(source, "minilm-l6-v2-int8")
    assert not models.installed()


def test_what_is_no_model_is_not_imported(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader")
    for path in (tmp_path / "letter.txt", tmp_path, tmp_path / "absent"):
        with pytest.raises(Refused):
            shop.models().import_file(path)


def test_the_shipped_catalogue_is_whole() -> None:
    known = read_catalogue()
    assert {"chat", "embedding", "rerank", "transcription"} == {model.task for model in known.values()}
    for model in known.values():
        assert model.licence
        assert model.ram_mb > 0
        assert model.files
        assert all(file.source.startswith("https://") or model.bundled for file in model.files)
        assert all(len(file.sha256) in {0, 64} for file in model.files)
    assert any("pt" in model.languages for model in known.values() if model.task == "embedding")


def test_recommendations_fit_and_grow_with_the_machine(tmp_path: Path) -> None:
    models = Models(tmp_path, Fetcher(Outbound(NetworkSettings()).client))
    machines = ((4000, 0), (8000, 0), (16000, 0), (64000, 24000))
    sizes = [sum(model.rank for model in models.recommend(ram, vram, cores=4)) for ram, vram in machines]
    assert sizes == sorted(sizes)
    assert all(model.ram_mb < 8000 - 2048 for model in models.recommend(8000, cores=4))
    assert models.recommend(1000, cores=4) == []
    heard = {cores: [one.name for one in models.recommend(24_000, cores=cores) if one.task == "transcription"] for cores in (2, 16)}
    assert heard == {2: ["whisper-small"], 16: ["whisper-large-v3-turbo-q5"]}


def test_the_command_line_answers_in_json_and_by_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESEDGE_HOME", str(tmp_path))
    run = partial(CliRunner().invoke, cli_models.models)
    listed = json.loads(run(["list", "--task", "embedding", "--json"]).output)
    assert [one["name"] for one in listed if one["installed"]] == ["minilm-l6-v2-int8"]
    assert run(["verify"]).exit_code == 0
    assert run(["recommend", "--ram-mb", "8000", "--json"]).exit_code == 0
    assert run(["pull", "no-such-model"]).exit_code == 1
    assert run(["remove", "minilm-l6-v2-int8"]).exit_code == 1
    assert run(["verify", "no-such-model"]).exit_code == 1
    assert run(["pull"]).exit_code == 2
    source = tiny_gguf.write(tmp_path / "own.gguf")
    assert json.loads(run(["import", str(source), "--json"]).output) == {"name": "own"}
    assert run(["remove", "own"]).exit_code == 0


def test_a_sealed_box_says_at_the_terminal_what_would_open_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESEDGE_HOME", str(tmp_path))
    foreign = next(model for model in read_catalogue().values() if not model.bundled)
    done = CliRunner().invoke(cli_models.models, ["pull", foreign.name])
    assert done.exit_code == 1
    assert "network.mode" in done.output
    assert "Traceback" not in done.output


def test_what_leaves_the_box_is_not_logged_between_what_programs_read(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("SALESEDGE_HOME", str(tmp_path))
    cli_models._opened()
    outbound.note("models pull", "weights.example", "answered", 0.0)
    said = capsys.readouterr()
    assert (said.out, "weights.example" in said.err) == ("", True)


def test_progress_is_told_in_steps_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    shown: dict[str, int] = {}
    for have in range(0, 100_000_001, 1_000_000):
        cli_models._progress(shown, "tiny.gguf", have, 100_000_000)
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "tiny.gguf: 100 MB / 100 MB"
    assert 3 <= len(told) <= 5
