"""The later half of a long document is read by a fork: quicker, and never otherwise."""

import io
import os
import signal
import time
from pathlib import Path

import pypdfium2
import pytest

from appliance.domains.knowledge.gateways.extraction import forks, launcher
from appliance.domains.knowledge.gateways.extraction.paged import words
from appliance.domains.knowledge.gateways.extraction.paged.words import Rule, RuledTable, Sheet, Word
from appliance.domains.knowledge.types import Extraction
from tests.domains.knowledge.extraction.paper import Page, pdf, picture, picture_pdf, read

PRICES = [["Produto", "Preço"], ["Mesa", "R$ 90,00"], ["Sofá", "R$ 740,00"]]


def sheet(number: int) -> Page:
    page = Page().text(60, 30, "Manual da Casa", size=8).text(60, 70, f"{number}. Capítulo {number}", size=16, bold=True)
    page.lines(60, 110, [f"A regra {number} vale para as lojas da casa e para os depó-", f"sitos que ficam fora, {number} ao todo."])
    return page.grid(60, 300, [200, 120], PRICES) if number % 3 == 0 else page


def book() -> bytes:
    """Eighteen written pages and, behind them, one that is a picture."""
    document = pypdfium2.PdfDocument(pdf(*map(sheet, range(1, 19))))
    document.import_pages(pypdfium2.PdfDocument(picture_pdf(picture([(60, 60, 60, "AVISO DE OBRA")], size=(900, 300)))))
    saved = io.BytesIO()
    document.save(saved)
    return saved.getvalue()


def alone(monkeypatch: pytest.MonkeyPatch, content: bytes) -> Extraction:
    with monkeypatch.context() as one_core:
        one_core.setattr(os, "sched_getaffinity", lambda _pid: {0})
        return read(content, "manual.pdf")


def test_two_read_what_one_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    content = book()
    found = launcher.run_extraction(content, "manual.pdf")
    assert found == alone(monkeypatch, content)
    assert {block.page for block in found.blocks} >= set(range(1, 19))


def test_what_the_fork_does_not_bring_is_read_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    content = book()
    monkeypatch.setattr(words, "flat", lambda _sheet: os.kill(os.getpid(), signal.SIGKILL))
    assert read(content, "manual.pdf") == alone(monkeypatch, content)


def test_a_fork_that_died_brings_nothing() -> None:
    def half_way() -> bytes:
        raise MemoryError

    assert forks.begin(lambda: b"done")() == b"done"
    assert forks.begin(half_way)() == b""


def test_a_fork_ends_with_whoever_began_it() -> None:
    told, tell = os.pipe()
    reader = os.fork()
    if reader == 0:
        def stay() -> bytes:
            os.write(tell, str(os.getpid()).encode())
            signal.pause()
            return b""

        forks.begin(stay)()
        os._exit(1)
    helper = os.read(told, 20).decode()
    os.kill(reader, signal.SIGKILL)
    os.waitpid(reader, 0)
    deadline = time.monotonic() + 60
    while is_running(helper) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(helper)


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_sheet_crosses_whole() -> None:
    found = Sheet(3, 595.0, 842.0, [Word("casa", 1.0, 2.0, 3.0, 4.0, 11.0, bold=True), Word("", 0.0, 0.0, 9.0, 9.0, 8.0, table=0)],
                  [RuledTable([["a", "b"]], (1.0, 5.0), 1)], [Rule(3.0, 1.0, 9.0)])
    assert words.unflattened(words.flat(found)) == found
