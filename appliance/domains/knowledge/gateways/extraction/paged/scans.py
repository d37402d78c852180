"""Pictures of pages, read by Tesseract in Portuguese and English at 300 dpi."""

import csv
import io
import re
import shutil
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, pairwise

from PIL import Image, ImageOps

from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.paged import picture, ruled
from appliance.domains.knowledge.gateways.extraction.paged.words import Sheet, Word
from appliance.domains.knowledge.types import ExtractionWarning

DPI, POINTS = 300, 72
PIXELS = DPI / POINTS
MAX_SIDE, SMALL_SIDE = 7000, 1700
PAGE_SECONDS = 180
SURE, GARBLED, WORTH_KEEPING = 70.0, 45.0, 15.0
BULLET_HEIGHT = 0.55
SPECK_HEIGHT = 0.25
EDGE, MARGIN, MOST_CELLS = 8, 24, 200
Cell = tuple[int, int, int, int]
_ROTATE = re.compile(r"Rotate: (\d+)")
_MISREAD_AND = re.compile(r"^€$")
_KEPT_MARKS = {"•", "-", "\u2013", "\u2014"}
_SAYS_SOMETHING = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Seen:
    """A word as Tesseract saw it, in pixels."""

    text: str
    left: int
    top: int
    width: int
    height: int
    confidence: float
    line: tuple[str, ...]

    @property
    def bottom(self) -> int:
        return self.top + self.height


def scale_for(width: float, height: float) -> float:
    """Pixels a point at 300 dpi, less for posters."""
    return min(PIXELS, MAX_SIDE / max(width, height, 1.0))


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Of Portuguese, English and the orientation model, those that are installed; none without Tesseract."""
    program = shutil.which("tesseract")
    if program is None:
        return ()
    listed = subprocess.run([program, "--list-langs"], capture_output=True, check=False, timeout=PAGE_SECONDS).stdout.decode().split()  # noqa: S603 - a fixed command
    return tuple(name for name in ("por", "eng", "osd") if name in listed)


def can_read() -> bool:
    return bool({"por", "eng"} & set(languages()))


def read_sheet(page: Image.Image, number: int, composer: Composer) -> Sheet:
    """The text of one page image, upright, with its drawn tables."""
    grown = _at_reading_size(page)
    clean, grids, seen = _read(grown)
    if (not seen or _confidence(seen) < SURE) and (turned := _upright(grown)) is not None:
        clean, grids, seen = max((clean, grids, seen), _read(turned), key=lambda found: sum(word.confidence for word in found[2]))
    if seen and _confidence(seen) < SURE:
        composer.warn(ExtractionWarning.OCR_UNSURE)
    sheet = Sheet(number, clean.width / PIXELS, clean.height / PIXELS, list(_words(seen)), scanned=True)
    for grid in grids:
        cells = [[(left, top, right, bottom) for left, right in pairwise(grid.xs)] for top, bottom in pairwise(grid.ys)]
        sheet.words.extend(_missed(clean, [cell for row in cells for cell in row], seen))
        ruled.take_grid(sheet, [[_in_points(cell) for cell in row] for row in cells])
    return sheet


def _missed(page: Image.Image, cells: Iterable[Cell], seen: Iterable[Seen]) -> Iterator[Word]:
    """Words of cells that came out empty although there is ink in them: read again, each cell as a page of its own."""
    silent = list(_silent(page, cells, seen))
    again = recognised([ImageOps.expand(page.crop(cell), MARGIN, fill=255) for cell in silent], "6")
    for (left, top, _, _), found in zip(silent, again, strict=True):
        yield from _words(replace(word, left=word.left + left - MARGIN, top=word.top + top - MARGIN) for word in found)


def _silent(page: Image.Image, cells: Iterable[Cell], seen: Iterable[Seen]) -> Iterator[Cell]:
    """The insides of cells that hold ink and no word."""
    places = [(word.left + word.width / 2, word.top + word.height / 2) for word in seen if _SAYS_SOMETHING.search(word.text)]
    for left, top, right, bottom in islice(cells, MOST_CELLS):
        inner = left + EDGE, top + EDGE, right - EDGE, bottom - EDGE
        is_said = any(left <= x <= right and top <= y <= bottom for x, y in places)
        if not is_said and inner[0] < inner[2] and inner[1] < inner[3] and picture.has_ink(page.crop(inner)):
            yield inner


def _in_points(cell: Cell) -> tuple[float, float, float, float]:
    return cell[0] / PIXELS, cell[1] / PIXELS, cell[2] / PIXELS, cell[3] / PIXELS


def _at_reading_size(page: Image.Image) -> Image.Image:
    """Small pictures (screenshots, photos sent by message) are read better when they are enlarged."""
    grey = page.convert("L")
    longest = max(grey.size)
    if longest > MAX_SIDE or longest < SMALL_SIDE:
        factor = MAX_SIDE / longest if longest > MAX_SIDE else min(3.0, SMALL_SIDE * 1.4 / longest)
        grey = grey.resize((max(1, int(grey.width * factor)), max(1, int(grey.height * factor))), Image.Resampling.LANCZOS)
    return grey


def _read(page: Image.Image) -> tuple[Image.Image, list[picture.DrawnGrid], list[Seen]]:
    clean, grids = picture.wiped(picture.straightened(picture.evened(page)))
    return clean, grids, recognised([clean])[0]


def _confidence(seen: Sequence[Seen]) -> float:
    return statistics.fmean(word.confidence for word in seen)


def _upright(page: Image.Image) -> Image.Image | None:
    """Turned by quarters if Tesseract's orientation model says so."""
    if "osd" not in languages():
        return None
    said = _ROTATE.search(_tesseract([page], "--psm", "0", "-l", "osd"))
    degrees = int(said.group(1)) if said else 0
    return page.rotate(-degrees, expand=True, fillcolor=255) if degrees else None


def _tesseract(pages: Sequence[Image.Image], *options: str) -> str:
    """One start of the program for all of them. Nothing is compressed on the way."""
    stream = io.BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])
    ran = subprocess.run(  # noqa: S603 - fixed, but for a language we know
        [shutil.which("tesseract") or "tesseract", "stdin", "stdout", "--dpi", str(DPI), *options],
        input=stream.getvalue(), capture_output=True, check=False, timeout=PAGE_SECONDS,
    )
    return ran.stdout.decode("utf-8", "replace")


def recognised(pages: Sequence[Image.Image], segmentation: str = "3") -> list[list[Seen]]:
    """The words of each page."""
    found: list[list[Seen]] = [[] for _ in pages]
    if not pages:
        return found
    table = _tesseract(pages, "-l", "+".join(name for name in languages() if name != "osd"), "--psm", segmentation, "tsv")
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "5" and (row["text"] or "").strip() and float(row["conf"]) >= WORTH_KEEPING:
            found[int(row["page_num"]) - 1].append(_seen(row))
    return found


def _seen(row: Mapping[str, str]) -> Seen:
    return Seen(
        row["text"].strip(), int(row["left"]), int(row["top"]), int(row["width"]), int(row["height"]), float(row["conf"]),
        (row["block_num"], row["par_num"], row["line_num"]),
    )


def _words(seen: Iterable[Seen]) -> Iterator[Word]:
    """Words share the base line and the height of their line: letters with and without tails would differ."""
    lines: dict[tuple[str, ...], list[Seen]] = defaultdict(list)
    for word in seen:
        lines[word.line].append(word)
    for line in lines.values():
        tall = statistics.quantiles([word.height for word in line], n=4)[2] if len(line) > 1 else line[0].height
        marked = len(line) > 1 and _is_bullet(line[0], line[1], tall)
        kept = [word for index, word in enumerate(line) if (marked and not index) or not _is_speck(word, tall)]
        base = statistics.median(word.bottom for word in kept) if kept else 0
        for index, word in enumerate(kept):
            text = "•" if marked and not index else _MISREAD_AND.sub("e", word.text)
            yield Word(text, word.left / PIXELS, (base - tall) / PIXELS, (word.left + word.width) / PIXELS, (base + tall * 0.2) / PIXELS,
                       size=round(tall / PIXELS, 1), hyphenated=index == len(kept) - 1 and _breaks(word.text))


def _is_bullet(word: Seen, following: Seen, tall: float) -> bool:
    """A lone small mark before the text, whatever letter it was taken for."""
    lone = len(word.text) == 1 and following.left - word.left - word.width > 0.3 * tall
    return lone and (word.text in "•*+«»¢º°·®@" or word.height <= BULLET_HEIGHT * tall)


def _breaks(text: str) -> bool:
    return len(text) > 2 and text.endswith("-") and text[-2].isalpha()


def _is_speck(word: Seen, tall: float) -> bool:
    """Dust, and marks that say nothing and were hard to read."""
    if _SAYS_SOMETHING.search(word.text) or word.text in _KEPT_MARKS:
        return False
    return word.confidence < GARBLED or (word.height < SPECK_HEIGHT * tall and word.width < tall)
