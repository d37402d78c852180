"""Images through Tesseract."""

from io import BytesIO

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.paged import flow, scans
from appliance.domains.knowledge.gateways.extraction.paged.words import Sheet
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure, ExtractionWarning

Image.MAX_IMAGE_PIXELS = 120_000_000
MAX_FRAMES = 100


def read(content: bytes, composer: Composer, limits: Limits) -> int:
    if not scans.can_read():
        composer.warn(ExtractionWarning.OCR_MISSING)
        return 1
    sheets: list[Sheet] = []
    try:
        with Image.open(BytesIO(content)) as picture:
            frames = min(getattr(picture, "n_frames", 1), MAX_FRAMES, limits.pages) if picture.format == "TIFF" else 1
            for number, frame in enumerate(ImageSequence.Iterator(picture), 1):
                if number > frames:
                    break
                composer.turn_to(number, frames)
                sheets.append(scans.read_sheet(ImageOps.exif_transpose(frame).convert("L"), number, composer))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as problem:
        raise Unreadable(ExtractionFailure.CORRUPT, str(problem)) from problem
    except Image.DecompressionBombError as problem:
        raise Unreadable(ExtractionFailure.TOO_LARGE, str(problem)) from problem
    flow.compose(sheets, composer)
    return frames
