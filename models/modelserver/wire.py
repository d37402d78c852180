"""The bodies of requests. What OpenAI names keeps OpenAI's names."""

import base64
import binascii
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from modelserver import problems
from modelserver.embedding import Vectors
from modelserver.index.space import Allowed

MAX_TEXTS = 2048


class Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class EmbeddingsBody(Body):
    input: str | list[str] = Field(max_length=MAX_TEXTS * 4096)
    model: str | None = None
    encoding_format: Literal["float", "base64"] = "float"
    input_type: Literal["query", "passage"] = "passage"

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input


class TokenizeBody(Body):
    texts: list[str] = Field(max_length=MAX_TEXTS)
    model: str | None = None
    offsets: bool = False


class RerankBody(Body):
    query: str
    documents: list[str] = Field(max_length=MAX_TEXTS)
    model: str | None = None
    top_n: int | None = Field(None, ge=1)


class Message(Body):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = ""

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(str(part.get("text", "")) for part in self.content if part.get("type") == "text")
        return self.content or ""


class ResponseFormat(Body):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: dict[str, Any] | None = None

    @property
    def wanted(self) -> dict[str, Any] | None:
        """The JSON schema an answer must obey, if any."""
        if self.type == "text":
            return None
        if self.type == "json_object" or self.json_schema is None:
            return {"type": "object"}
        schema = self.json_schema.get("schema", self.json_schema)
        return schema if isinstance(schema, dict) else {"type": "object"}


class ChatBody(Body):
    messages: list[Message] = Field(min_length=1, max_length=1000)
    model: str | None = None
    stream: bool = False
    temperature: float = Field(0.7, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    response_format: ResponseFormat = ResponseFormat()
    stream_options: dict[str, Any] | None = None


class IndexAddBody(Body):
    ids: list[int] = Field(max_length=100_000)
    texts: list[str] | None = Field(None, max_length=MAX_TEXTS)
    vectors: str | None = None
    model: str | None = None
    remove: list[int] = Field(default_factory=list, max_length=1_000_000)
    create: bool = False
    build: str | None = Field(None, max_length=64)


class IndexRemoveBody(Body):
    ids: list[int] = Field(max_length=1_000_000)


class IndexReplaceBody(IndexAddBody):
    """Either `build` (a finished one takes over) or `ids` with what they stand for and what they replace."""

    ids: list[int] = Field(default_factory=list, max_length=100_000)


class AllowBody(Body):
    ids: list[int] = Field(default_factory=list, max_length=1_000_000)
    ranges: list[tuple[int, int]] = Field(default_factory=list, max_length=100_000)

    @property
    def allowed(self) -> Allowed:
        return Allowed(tuple(self.ids), tuple(self.ranges))


class IndexSearchBody(Body):
    """`packed` asks for ids and scores as base64 of little-endian int64 and float32, instead of a list of hits."""

    packed: bool = False
    text: str | None = None
    vector: str | None = None
    model: str | None = None
    k: int = Field(10, ge=1, le=1000)
    allow: AllowBody | None = None


def packed(numbers: npt.NDArray[Any]) -> str:
    return base64.b64encode(numbers.tobytes()).decode("ascii")


def halves(encoded: str, count: int) -> Vectors:
    """Little-endian float16 rows in base64, (count, dim). Raises Problem."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as err:
        raise problems.refused("bad_vectors", "The vectors are not valid base64.") from err
    if count == 0 or not raw or len(raw) % (2 * count):
        raise problems.refused("bad_vectors", f"{len(raw)} bytes do not divide into {count} float16 vectors.")
    rows = np.frombuffer(raw, "<f2").reshape(count, -1).astype(np.float32)
    if not np.isfinite(rows).all():
        raise problems.refused("bad_vectors", "The vectors hold numbers that are not finite.")
    return rows
