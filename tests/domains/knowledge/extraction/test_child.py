"""The child as the parent sees it: limits, failures as sentences, nothing left behind."""

import os
import signal
import time
from pathlib import Path

import docx
import pytest

from appliance.core.errors import Unavailable
from appliance.core.i18n import in_locale
from appliance.domains.knowledge.gateways.extraction import failures, launcher, wire
from appliance.domains.knowledge.gateways.extraction.failures import ExtractionError
from appliance.domains.knowledge.gateways.extraction.limits import MIB, Limits
from appliance.domains.knowledge.types import ExtractionFailure
from tests.domains.knowledge.extraction.paper import Page, pdf, picture, png, read
from tests.domains.knowledge.extraction.test_reading_office import deck, saved

LETTER = pdf(*(Page().lines(60, 80, [f"Página de número {number} com algum texto."]) for number in range(1, 4)))
HEAVY = b"nome;valor\n" + b"mesa de jantar;12,50\n" * 1_500_000


def failure(content: bytes, name: str = "arquivo.pdf", **limits: float) -> ExtractionFailure:
    with pytest.raises(ExtractionError) as problem:
        launcher.run_extraction(content, name, Limits(**limits))
    return problem.value.failure


@pytest.mark.parametrize(("content", "name"), [(LETTER, "carta.pdf"), (deck(), "treino.pptx"), (b"a;b\n1;2\n", "t.csv")])
def test_the_child_reads_what_its_reader_reads(content: bytes, name: str) -> None:
    assert launcher.run_extraction(content, name) == read(content, name)


def test_a_file_on_disk_is_read_too_and_progress_is_heard(tmp_path: Path) -> None:
    (tmp_path / "carta.pdf").write_bytes(LETTER)
    heard: list[tuple[int, int | None]] = []
    launcher.run_extraction(tmp_path / "carta.pdf", "carta.pdf", on_progress=lambda page, pages: heard.append((page, pages)))
    assert heard == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(("content", "name", "expected"), [
    (b"", "vazio.pdf", ExtractionFailure.EMPTY),
    (pdf(Page().text(60, 60, "segredo"), locked=True), "senha.pdf", ExtractionFailure.ENCRYPTED),
    (LETTER[:60], "cortado.pdf", ExtractionFailure.CORRUPT),
    (saved(docx.Document())[:900], "cortado.docx", ExtractionFailure.CORRUPT),
    (pdf(Page()), "branco.pdf", ExtractionFailure.NO_TEXT),
    (os.urandom(4000), "x.bin", ExtractionFailure.UNSUPPORTED),
])
def test_files_that_cannot_be_read(content: bytes, name: str, expected: ExtractionFailure) -> None:
    assert failure(content, name) is expected


def test_limits_of_size_and_pages() -> None:
    assert failure(LETTER, file_bytes=100) is ExtractionFailure.TOO_LARGE
    assert failure(LETTER, pages=2) is ExtractionFailure.TOO_MANY_PAGES
    assert failure(b"palavra " * 40_000, "longo.txt", text_bytes=MIB // 8) is ExtractionFailure.TOO_LARGE


def test_limits_of_time_and_memory() -> None:
    assert failure(HEAVY, "grande.csv", wall_seconds=0.1) is ExtractionFailure.TIMED_OUT
    assert failure(HEAVY, "grande.csv", cpu_seconds=1) is ExtractionFailure.TIMED_OUT
    assert failure(HEAVY, "grande.csv", memory_bytes=400 * MIB) is ExtractionFailure.OUT_OF_MEMORY


def standby() -> int:
    return launcher._standing[os.getpid()]._process.pid


def forks() -> list[str]:
    return Path(f"/proc/{standby()}/task/{standby()}/children").read_text().split()


def test_the_child_sees_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESEDGE__MASTER_KEY", "segredo")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    monkeypatch.setattr(launcher, "_standing", {})
    launcher.run_extraction(LETTER, "carta.pdf")
    seen = Path(f"/proc/{standby()}/environ").read_bytes().decode().rstrip("\0").split("\0")
    assert {line.partition("=")[0] for line in seen} <= {
        "PATH", "LANG", "PYTHONPATH", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "PYTHONUNBUFFERED", "TESSDATA_PREFIX"}


def test_what_stands_ready_is_the_same_after_each_document() -> None:
    """One process for all, with no fork, no limit and no file of a document left on it."""
    def held() -> tuple[object, ...]:
        return standby(), forks(), Path(f"/proc/{standby()}/limits").read_text(), len(list(Path(f"/proc/{standby()}/fd").iterdir()))

    launcher.run_extraction(LETTER, "carta.pdf")
    before = held()
    failure(LETTER, pages=2)
    failure(HEAVY, "grande.csv", wall_seconds=0.1)
    launcher.run_extraction(LETTER, "carta.pdf")
    assert held() == before


def test_one_that_died_is_started_again() -> None:
    launcher.run_extraction(LETTER, "carta.pdf")
    gone = standby()
    os.kill(gone, signal.SIGKILL)
    launcher._standing[os.getpid()]._process.wait()
    assert launcher.run_extraction(LETTER, "carta.pdf") == read(LETTER, "carta.pdf")
    assert standby() != gone


def test_when_the_worker_is_killed_nothing_goes_on_reading() -> None:
    """Neither the fork nor what stands ready outlives it."""
    begun, tell = os.pipe()
    worker = os.fork()
    if worker == 0:
        def stop_there(_page: int, _pages: int | None) -> None:
            os.write(tell, f"{standby()} {forks()[0]}".encode())
            signal.pause()

        launcher.run_extraction(LETTER, "carta.pdf", on_progress=stop_there)
        os._exit(1)
    pids = os.read(begun, 100).decode().split()
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    deadline = time.monotonic() + 60
    while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [pid for pid in pids if is_running(pid)] == []


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    launcher.run_extraction(LETTER, "carta.pdf")
    failure(HEAVY, "grande.csv", wall_seconds=0.1)
    assert not list(tmp_path.iterdir())


def test_a_reader_that_somebody_ended_is_no_fault_of_the_file() -> None:
    def end(_page: int, _pages: int | None) -> None:
        os.kill(launcher._standing[os.getpid()]._process.pid, signal.SIGKILL)

    long = pdf(*(Page().lines(60, 80, [f"Página {number}."] * 40) for number in range(200)))
    with pytest.raises(Unavailable):
        launcher.run_extraction(long, "longo.pdf", on_progress=end)
    assert launcher.run_extraction(LETTER, "carta.pdf") == read(LETTER, "carta.pdf")


def test_without_tesseract_an_image_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(launcher, "_standing", {})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert failure(png(picture([(50, 50, 60, "Aviso")])), "aviso.png") is ExtractionFailure.OCR_MISSING


def test_every_failure_has_a_sentence_in_both_languages() -> None:
    for locale in ("pt_BR", "en"):
        with in_locale(locale):
            assert all(str(failures.SENTENCES[reason]).endswith(".") for reason in ExtractionFailure)


def test_what_crosses_the_pipe_comes_back_whole() -> None:
    found = read(LETTER, "carta.pdf")
    lines = [launcher._parsed(line.encode()) for line in wire.extraction(found)]
    blocks = [wire.read_block(line["block"]) for line in lines if "block" in line]
    assert wire.read_extraction(lines[-1]["done"], blocks) == found
