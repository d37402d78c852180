"""PPTX: a slide is a page; title, texts and tables in reading order, notes last."""

import zipfile
from collections.abc import Iterable, Iterator
from io import BytesIO

import pptx
from lxml import etree
from pptx.exc import PythonPptxError
from pptx.shapes.base import BaseShape
from pptx.slide import Slide

from appliance.domains.knowledge.gateways.extraction import cleaning
from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import BlockKind, ExtractionFailure

ROW_HEIGHT = 360_000  # EMU, one centimetre: shapes this close in height stand side by side
_FURNITURE = {"SLIDE_NUMBER (13)", "DATE (16)", "FOOTER (15)"}


def read(content: bytes, composer: Composer, limits: Limits) -> int:
    try:
        deck = pptx.Presentation(BytesIO(content))
        slides = list(deck.slides)
    except (KeyError, ValueError, AttributeError, zipfile.BadZipFile, etree.XMLSyntaxError, PythonPptxError) as problem:
        raise Unreadable(ExtractionFailure.CORRUPT, str(problem)) from problem
    if len(slides) > limits.pages:
        raise Unreadable(ExtractionFailure.TOO_MANY_PAGES)
    composer.title, composer.author = deck.core_properties.title, deck.core_properties.author
    for number, slide in enumerate(slides, 1):
        composer.turn_to(number, len(slides))
        _read_slide(slide, composer)
    return len(slides)


def _read_slide(slide: Slide, composer: Composer) -> None:
    composer.leave()
    title = slide.shapes.title
    if title is not None:
        composer.heading(title.text_frame.text, 1)
    for shape in _in_order(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            _read_shape(shape, composer)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        for line in slide.notes_slide.notes_text_frame.text.splitlines():
            composer.block(BlockKind.NOTE, line)


def _in_order(shapes: Iterable[BaseShape]) -> Iterator[BaseShape]:
    def position(shape: BaseShape) -> tuple[int, int]:
        return int(shape.top or 0) // ROW_HEIGHT, int(shape.left or 0)

    for shape in sorted(shapes, key=position):
        if hasattr(shape, "shapes"):
            yield from _in_order(shape.shapes)
        elif not (shape.is_placeholder and str(shape.placeholder_format.type) in _FURNITURE):
            yield shape


def _read_shape(shape: BaseShape, composer: Composer) -> None:
    if getattr(shape, "has_table", False):
        composer.grid(_table(shape))
    elif getattr(shape, "has_chart", False):
        _read_chart(shape, composer)
    elif shape.has_text_frame:
        paragraphs = [part for part in shape.text_frame.paragraphs if part.text.strip()]  # type: ignore[attr-defined]  # the library asks before, its types do not tell
        for part in paragraphs:
            if len(paragraphs) > 1 or part.level:
                composer.list_item(part.text)
            else:
                composer.paragraph(part.text)


def _table(shape: BaseShape) -> list[list[str]]:
    grid: list[list[str]] = []
    for row in shape.table.rows:  # type: ignore[attr-defined]  # the library asks before, its types do not tell
        cells: list[str] = []
        for cell in row.cells:
            spanned = cell.is_spanned and (cells[-1] if cells else "")
            cells.append(spanned or cleaning.line(cell.text))
        grid.append(cells)
    return grid


def _read_chart(shape: BaseShape, composer: Composer) -> None:
    chart = shape.chart  # type: ignore[attr-defined]  # the library asks before, its types do not tell
    if chart.has_title and chart.chart_title.has_text_frame:
        composer.paragraph(chart.chart_title.text_frame.text)
    for plot in chart.plots:
        names = ["", *(str(series.name or "") for series in plot.series)]
        columns = [[f"{value:g}" if value is not None else "" for value in series.values] for series in plot.series]
        rows = [[str(category), *values] for category, *values in zip(plot.categories, *columns, strict=False)]
        composer.grid([names, *rows], header_rows=1)
