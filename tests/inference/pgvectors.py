"""What the tests of vectors in PostgreSQL share: a real server, an empty database, indexes over it."""

import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from appliance.inference.fake import DIM, FakeInference
from appliance.inference.pgvector import PgVectors
from appliance.inference.types import Inference, Vectors
from appliance.inference.vector_database import VectorDatabase
from tests.peers.postgres_vectors import PostgresVectors, postgres_vectors

TEXTS = ("the invoice is due on friday", "the cat sleeps", "shipping takes ten days")
PATIENCE_S = 60
ROUNDING = 2e-3
Open = Callable[..., PgVectors]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresVectors]:
    with postgres_vectors() as running:
        yield running


@pytest.fixture
def url(server: PostgresVectors) -> str:
    return server.new_database()


@pytest.fixture
def connect(url: str) -> Iterator[Open]:
    made: list[PgVectors] = []

    def new(
        models: Inference | None = None, *, at: str | VectorDatabase = url, secret: bytes = b"", model: str = "fake", **more: Any
    ) -> PgVectors:
        def share(name: str) -> bytes:
            return sha256(secret + name.encode()).digest()

        database = VectorDatabase(at) if isinstance(at, str) else at
        made.append(PgVectors(database, models or FakeInference(), embedding_model=model, share_of=share, **more))
        return made[-1]

    yield new
    for one in made:
        one.close()


@pytest.fixture
def index(connect: Open) -> PgVectors:
    return connect()


@pytest.fixture
def space() -> str:
    return f"t-{uuid4().hex}:knowledge"


def rows_of(count: int, seed: int = 0) -> Vectors:
    """In topics, as texts are."""
    random = np.random.default_rng(seed)
    topics = random.standard_normal((max(2, count // 50), DIM))
    rows = topics[random.integers(0, len(topics), count)] + 0.8 * random.standard_normal((count, DIM))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def stored(server: PostgresVectors, url: str) -> dict[int, np.ndarray]:
    (name,) = server.tables(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text(f'SELECT id, embedding::text FROM salesedge."{name}"')).all()
    engine.dispose()
    return {one: np.array(row.strip("[]").split(","), np.float32) for one, row in found}


def asked(url: str, statement: str) -> Any:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.scalar(text(statement))
    engine.dispose()
    return found


def until(is_so: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.02)
