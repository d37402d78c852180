"""What child and parent say to each other: one JSON object a line."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from appliance.domains.knowledge.types import Block, BlockKind, Extraction, ExtractionFailure, ExtractionWarning

LONGEST_REQUEST = 1 << 16


def progress(page: int, pages: int | None) -> str:
    return json.dumps({"progress": [page, pages]})


def failure(reason: ExtractionFailure, detail: str, line: int | None = None) -> str:
    return json.dumps({"failure": reason, "detail": detail[:500], "line": line})


def extraction(found: Extraction) -> Iterable[str]:
    for block in found.blocks:
        yield json.dumps({"block": {name: value for name, value in asdict(block).items() if value is not None}})
    meta = {name: getattr(found, name) for name in ("title", "author", "pages", "media_type", "warnings")}
    yield json.dumps({"done": meta})


def read_block(said: Mapping[str, Any]) -> Block:
    return Block(
        kind=BlockKind(said["kind"]), text=str(said["text"]), page=said.get("page"), level=said.get("level"),
        heading_path=tuple(said.get("heading_path", ())), table_header=_strings(said.get("table_header")),
        cells=_strings(said.get("cells")), table=said.get("table"), paragraph=int(said.get("paragraph", 0)),
        superseded=bool(said.get("superseded")), source=said.get("source"),
    )


def read_extraction(meta: Mapping[str, Any], blocks: Iterable[Block]) -> Extraction:
    return Extraction(
        title=meta["title"], author=meta["author"], pages=meta["pages"], media_type=meta["media_type"],
        warnings=tuple(ExtractionWarning(warning) for warning in meta["warnings"]), blocks=tuple(blocks),
    )


def _strings(value: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)
