"""What crosses the border between the business and the models."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Purpose = Literal["query", "passage"]
JsonSchema = Mapping[str, object]
LONGEST_CHAT_S = 600.0


@dataclass(frozen=True)
class ChatMessage:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ChatResult:
    """`complete` is False when the length allowed cut it off."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    complete: bool = True


@dataclass(frozen=True)
class Tokens:
    """`offsets` are the character spans of the tokens; empty when they were not asked for."""

    count: int
    offsets: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Ranked:
    """`index` is the position in the list that was given; `score` lies between 0 and 1."""

    index: int
    score: float


@dataclass(frozen=True)
class Spoken:
    """A stretch of speech, in seconds from the beginning. `confidence` lies between 0 and 1: how sure the model was of the words."""

    text: str
    language: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Transcript:
    """`seconds` is how long the sound is. Nobody spoke: no text and no segments."""

    text: str
    language: str
    seconds: float
    segments: tuple[Spoken, ...]
    model: str


@dataclass(frozen=True)
class IndexHit:
    id: int
    score: float


@dataclass(frozen=True, eq=False)
class IndexHits:
    """Best first, as arrays: a thousand candidates are mixed with others, not looked at one by one.

    `place` names the database that answered; empty for the model server.
    """

    ids: npt.NDArray[np.int64]
    scores: Vectors
    version: int
    place: str = ""

    @property
    def hits(self) -> tuple[IndexHit, ...]:
        return tuple(map(IndexHit, self.ids.tolist(), self.scores.tolist()))


@dataclass(frozen=True)
class IndexStats:
    namespace: str
    state: Literal["ready", "missing"]
    version: int = 0
    count: int = 0
    model: str = ""
    dim: int = 0
    place: str = ""


@dataclass(frozen=True)
class Allow:
    """Which ids a search may return. Ranges include both ends."""

    ids: tuple[int, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class ModelInfo:
    name: str
    task: Literal["chat", "embedding", "rerank", "transcription"]
    engine: str
    size_bytes: int = 0
    dim: int = 0
    loaded: bool = False


@dataclass(frozen=True)
class Readiness:
    """`chat_engine` is what would write an answer now; "none" means the box quotes. `can_hear`: speech would be written down now."""

    ready: bool
    embedding_model: str
    chat_engine: str
    reason: str = ""
    can_hear: bool = False

    @property
    def can_write(self) -> bool:
        return self.chat_engine != "none"


@dataclass(frozen=True)
class ChatHost:
    """One of those who write, on a machine elsewhere. `reason` says why it does not answer; empty while it does."""

    name: str
    reason: str = ""


@dataclass(frozen=True)
class VectorStore:
    """What keeps the vectors elsewhere, by its name and version. `reason` says why it cannot be used; empty while it can."""

    name: str
    reason: str = ""


class Inference(Protocol):
    """Every method raises Unavailable(retry_after) when the models are away or busy, and SlowWorkInTransaction in a unit."""

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "passage", model: str = "") -> Vectors:
        """Unit rows, (len(texts), dim)."""
        ...

    def count_tokens(self, texts: Sequence[str], *, offsets: bool = False) -> list[Tokens]:
        """By the embedder's own tokenizer, without the markers it adds."""
        ...

    def chat(
        self, messages: Sequence[ChatMessage], *, model: str = "", temperature: float = 0.3, max_tokens: int = 512,
        schema: JsonSchema | None = None,
    ) -> ChatResult:
        """With `schema`, the text is JSON that obeys it. Raises NoChatEngine, SchemaNotMet."""
        ...

    def chat_stream(
        self, messages: Sequence[ChatMessage], *, model: str = "", temperature: float = 0.3, max_tokens: int = 512,
        within_s: float = LONGEST_CHAT_S,
    ) -> Generator[str | ChatResult]:
        """Pieces of the answer as they come, then the whole; closing it stops the model. Raises NoChatEngine.

        Raises Unavailable when it broke off, and when it is not done after `within_s`.
        """
        ...

    def rerank(self, query: str, documents: Sequence[str], *, model: str = "") -> list[Ranked]:
        """Best first. Raises NoModel when no reranker is installed."""
        ...

    def transcribe(self, sound: bytes, *, language: str = "", prompt: str = "", model: str = "") -> Transcript:
        """What is said in a WAV of 16 kHz, one channel, 16 bit. Without `language` it is found out; `prompt` has words to expect.

        Raises NoModel when no transcription model is installed, ModelRefused when it is no such sound or a too long one.
        """
        ...

    def models(self) -> list[ModelInfo]: ...

    def chat_hosts(self) -> list[ChatHost]:
        """Each is asked now; empty where nobody elsewhere writes. Never raises Unavailable."""
        ...

    def figures(self) -> bytes:
        """What the model server measures, in Prometheus' text; empty while it is away. Never raises Unavailable."""
        ...

    def ready(self) -> Readiness:
        """Never raises Unavailable: says so instead."""
        ...


class VectorIndex(Protocol):
    """Vectors by number, each namespace's by themselves.

    Every method raises as `Inference`'s do, and all but `index_drop` KeyUnreadable once the key of their owner is gone.
    """

    def index_add(
        self, namespace: str, ids: Sequence[int], *, texts: Sequence[str] | None = None, vectors: Vectors | Halves | None = None,
        create: bool = False,
    ) -> IndexStats:
        """An id that is there is replaced. Raises IndexMissing (unless `create`), IndexMismatch."""
        ...

    def index_remove(self, namespace: str, ids: Sequence[int]) -> IndexStats:
        """Raises IndexMissing. Unknown ids are no error."""
        ...

    def index_replace(
        self, namespace: str, *, remove: Sequence[int], ids: Sequence[int], texts: Sequence[str] | None = None,
        vectors: Vectors | Halves | None = None,
    ) -> IndexStats:
        """A new version of a document takes the place of the old one in one atomic switch. Raises IndexMissing, IndexMismatch."""
        ...

    def index_rebuild(self, namespace: str, batches: Iterator[tuple[Sequence[int], Vectors | Halves]]) -> IndexStats:
        """Build a whole new version beside the one that answers, then switch. Nothing changes when `batches` fails."""
        ...

    def index_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> IndexHits:
        """Best first, by cosine. Raises IndexMissing, IndexMismatch."""
        ...

    def begin_search(
        self, namespace: str, *, text: str | None = None, vector: Vectors | None = None, k: int = 10, allow: Allow | None = None,
    ) -> Callable[[], IndexHits]:
        """Asks now and returns at once; calling what is returned waits for the hits and raises what `index_search` raises."""
        ...

    def index_drop(self, namespace: str) -> None:
        """Its owner's key may be gone already. At the model server, too, where vectors lie elsewhere now."""
        ...

    def index_namespaces(self) -> list[str]:
        """All that are kept; empty at the model server, whose files nobody opens without their owner's key."""
        ...

    def index_stats(self, namespace: str) -> IndexStats: ...

    def index_store(self) -> VectorStore | None:
        """Asked now; None where the model server itself keeps the vectors. Never raises Unavailable."""
        ...


class Models(Inference, VectorIndex, Protocol):
    """What the model server's client and the tests' double are: both at once."""
