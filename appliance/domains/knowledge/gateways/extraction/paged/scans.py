"""Pictures of pages: made upright, then read by Tesseract in Portuguese and English at 300 dpi."""

import csv
import io
import shutil
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from PIL import Image

from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.paged.words import Sheet, Word
from appliance.domains.knowledge.types import ExtractionWarning

DPI, POINTS = 300, 72
MAX_SIDE = 7000
PAGE_SECONDS = 180
SURE, WORTH_KEEPING = 55.0, 20.0


def scale_for(width: float, height: float) -> float:
    """Pixels a point at 300 dpi, less for posters."""
    return min(DPI / POINTS, MAX_SIDE / max(width, height, 1.0))


@lru_cache(maxsize=1)
def languages() -> str:
    """`por+eng` or what there is of it; empty without Tesseract."""
    program = shutil.which("tesseract")
    if program is None:
        return ""
    listed = subprocess.run([program, "--list-langs"], capture_output=True, check=False, timeout=PAGE_SECONDS).stdout.decode().split()  # noqa: S603
    return "+".join(name for name in ("por", "eng") if name in listed)


def read_sheet(picture: Image.Image, number: int, composer: Composer) -> Sheet:
    pixels = DPI / POINTS
    found = list(_recognised(picture))
    if found and statistics.fmean(confidence for _, confidence in found) < SURE:
        composer.warn(ExtractionWarning.OCR_UNSURE)
    return Sheet(number, picture.width / pixels, picture.height / pixels, [word for word, _ in found], scanned=True)


def _recognised(picture: Image.Image) -> Iterator[tuple[Word, float]]:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    ran = subprocess.run(  # noqa: S603
        [shutil.which("tesseract") or "tesseract", "stdin", "stdout", "-l", languages(), "--dpi", str(DPI), "--psm", "3", "tsv"],
        input=stream.getvalue(), capture_output=True, check=False, timeout=PAGE_SECONDS,
    )
    yield from _words(ran.stdout.decode("utf-8", "replace"))


def _words(table: str) -> Iterator[tuple[Word, float]]:
    """Words take the height of their line: single words with or without tall letters would differ."""
    lines: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "5" and (row["text"] or "").strip() and float(row["conf"]) >= WORTH_KEEPING:
            lines[row["block_num"], row["par_num"], row["line_num"]].append(row)
    pixels = DPI / POINTS
    for words in lines.values():
        tops = [int(word["top"]) for word in words]
        bottoms = [int(word["top"]) + int(word["height"]) for word in words]
        top, bottom = statistics.median(tops), statistics.median(bottoms)
        size = max((bottom - top) / pixels, 4.0)
        for word in words:
            left = int(word["left"]) / pixels
            text = word["text"].strip()
            yield Word(text, left, top / pixels, left + int(word["width"]) / pixels, bottom / pixels, size=round(size, 1),
                       hyphenated=word is words[-1] and text.endswith("-") and len(text) > 2), float(word["conf"])  # noqa: PLR2004
