"""Tesseract, in Portuguese and English at 300 dpi: upright first, then words into paragraphs."""

import csv
import io
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from PIL import Image

from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.types import ExtractionWarning

DPI = 300
PAGE_SECONDS = 120
SURE = 55.0
WORTH_KEEPING = 20.0


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    left: int
    top: int
    width: int
    height: int
    confidence: float
    paragraph: tuple[int, int]
    line: int


def read_picture(picture: Image.Image, composer: Composer) -> None:
    if not languages():
        composer.warn(ExtractionWarning.OCR_MISSING)
        return
    words = recognise(picture)
    if words and sum(word.confidence for word in words) / len(words) < SURE:
        composer.warn(ExtractionWarning.OCR_UNSURE)
    for _, paragraph in groupby(words, key=lambda word: word.paragraph):
        composer.paragraph(" ".join(word.text for word in paragraph))


@lru_cache(maxsize=1)
def languages() -> str:
    """`por+eng` or what there is of it; empty without Tesseract."""
    program = shutil.which("tesseract")
    if program is None:
        return ""
    listed = subprocess.run([program, "--list-langs"], capture_output=True, check=False, timeout=PAGE_SECONDS).stdout.decode().split()  # noqa: S603
    return "+".join(name for name in ("por", "eng") if name in listed)


def recognise(picture: Image.Image) -> list[Word]:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    ran = subprocess.run(  # noqa: S603
        [shutil.which("tesseract") or "tesseract", "stdin", "stdout", "-l", languages(), "--dpi", str(DPI), "--psm", "3", "tsv"],
        input=stream.getvalue(), capture_output=True, check=False, timeout=PAGE_SECONDS,
    )
    return list(_words(ran.stdout.decode("utf-8", "replace")))


def _words(table: str) -> Iterator[Word]:
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "5" and (row["text"] or "").strip() and float(row["conf"]) >= WORTH_KEEPING:
            yield Word(row["text"], int(row["left"]), int(row["top"]), int(row["width"]), int(row["height"]), float(row["conf"]),
                       (int(row["block_num"]), int(row["par_num"])), int(row["line_num"]))
