"""Small documents made by hand: a PDF writer of a few lines, pictures of text, and shortcuts to read them."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

from appliance.domains.knowledge.gateways.extraction import reader
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.types import Block, BlockKind, Extraction

WIDTH, HEIGHT = 595, 842


@dataclass
class Page:
    """A4, with y downwards from the top as people think of it."""

    drawn: list[str] = field(default_factory=list)
    rotation: int = 0

    def text(self, x: float, y: float, said: str, *, size: float = 11, bold: bool = False) -> "Page":
        escaped = said.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        self.drawn.append(f"BT /F{2 if bold else 1} {size} Tf {x} {HEIGHT - y} Td ({escaped}) Tj ET")
        return self

    def lines(self, x: float, y: float, said: Sequence[str], *, size: float = 11, leading: float = 14) -> "Page":
        for number, line in enumerate(said):
            self.text(x, y + number * leading, line, size=size)
        return self

    def grid(self, x: float, y: float, widths: Sequence[float], rows: Sequence[Sequence[str]], *, height: float = 20) -> "Page":
        edges = [x + sum(widths[:index]) for index in range(len(widths) + 1)]
        bottom = y + height * len(rows)
        for edge in edges:
            self.drawn.append(f"0.5 w {edge} {HEIGHT - y} m {edge} {HEIGHT - bottom} l S")
        for number in range(len(rows) + 1):
            level = HEIGHT - y - number * height
            self.drawn.append(f"0.5 w {edges[0]} {level} m {edges[-1]} {level} l S")
        for number, row in enumerate(rows):
            for edge, cell in zip(edges, row, strict=False):
                self.text(edge + 4, y + number * height + 14, cell, size=9, bold=number == 0)
        return self


def pdf(*pages: Page, title: str = "", locked: bool = False) -> bytes:
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", font.format("Helvetica"), font.format("Helvetica-Bold"), f"<< /Title ({title}) >>"]
    numbers = []
    for page in pages:
        content = "\n".join(page.drawn)
        size = len(content.encode("cp1252"))
        objects.append(f"<< /Length {size} >>\nstream\n{content}\nendstream")
        sheet = f"/MediaBox [0 0 {WIDTH} {HEIGHT}] /Rotate {page.rotation} /Contents {len(objects)} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R {sheet} /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>")
        numbers.append(len(objects))
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(f'{number} 0 R' for number in numbers)}] /Count {len(numbers)} >>"
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252"))
    start = out.tell()
    lock = f" /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >> /ID [<00> <00>]" if locked else ""
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.write("".join(f"{place:010} 00000 n \n" for place in places).encode())
    out.write(f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R{lock} >>\nstartxref\n{start}\n%%EOF".encode())
    return out.getvalue()


def picture(lines: Sequence[tuple[int, int, int, str]], *, size: tuple[int, int] = (1700, 1000), turn: float = 0) -> Image.Image:
    """Black on white; each line is (x, y, pixels high, text)."""
    page = Image.new("L", size, 255)
    pen = ImageDraw.Draw(page)
    for x, y, height, said in lines:
        pen.text((x, y), said, fill=0, font=ImageFont.load_default(height))
    return page.rotate(turn, fillcolor=255, resample=Image.Resampling.BICUBIC, expand=abs(turn) > 45) if turn else page


def png(page: Image.Image) -> bytes:
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()


def picture_pdf(page: Image.Image) -> bytes:
    stream = io.BytesIO()
    page.save(stream, "PDF", resolution=200)
    return stream.getvalue()


def repacked(package: bytes, **changed: bytes) -> bytes:
    """The same zip with members replaced or added; `__` in a name stands for `/`, a trailing `_` for `.`."""
    out = io.BytesIO()
    names = {name.replace("__", "/").replace("_xml", ".xml"): content for name, content in changed.items()}
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            if member not in names:
                new.writestr(member, old.read(member))
        for name, content in names.items():
            new.writestr(name, content)
    return out.getvalue()


def read(content: bytes, name: str, **limits: int) -> Extraction:
    """In this process: the child has tests of its own."""
    return reader.extract(content, name, Limits(**limits))


def texts(found: Extraction, kind: BlockKind | None = None) -> list[str]:
    return [block.text for block in found.blocks if kind is None or block.kind is kind]


def block(found: Extraction, part: str) -> Block:
    return next(block for block in found.blocks if part in block.text)
