"""Real-life questions with known answers: a change that makes answers worse fails here, before a customer meets it."""

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.bench.bench_answers import Result, ask_all
from tests.bench.company import read_questions
from tests.bench.knowledge_box import knowledge_box

ROOT = Path(__file__).parents[3]
WANTED = tomllib.loads((ROOT / "models/evals/knowledge/thresholds.toml").read_text())
Test = Callable[[Result], bool]


@pytest.fixture(autouse=True)
def models() -> None:
    """The whole company is asked once, in a box of its own."""


@pytest.fixture(scope="module", params=WANTED["folders"], ids=lambda folder: Path(folder).name)
def results(request: pytest.FixtureRequest) -> list[Result]:
    folder = ROOT / request.param
    with knowledge_box() as filled:
        for path in sorted((folder / "docs").iterdir()):
            filled.put(path.name, path.read_bytes())
        filled.work()
        return ask_all(filled, read_questions(folder / "questions.jsonl"))


def _share(results: Sequence[Result], test: Test) -> float:
    return sum(map(test, results)) / len(results)


@pytest.mark.parametrize(("figure", "test"), [
    ("document_first", lambda one: one.first), ("document_among_five", lambda one: one.near),
    ("fact_within_80_words", lambda one: one.stated),
])
def test_what_the_documents_say_is_found_and_said(results: list[Result], figure: str, test: Test) -> None:
    assert _share([one for one in results if not one.question.to_refuse], test) >= WANTED["least"][figure]


def test_what_the_documents_do_not_say_is_refused(results: list[Result]) -> None:
    hopeless = [one for one in results if one.question.to_refuse]
    assert _share(hopeless, lambda one: not one.answer.answered) >= WANTED["least"]["unanswerable_refused"]


def test_what_the_documents_say_is_not_refused(results: list[Result]) -> None:
    answerable = [one for one in results if not one.question.to_refuse]
    assert _share(answerable, lambda one: not one.answer.answered) <= WANTED["most"]["answerable_refused"]


def test_no_document_gives_orders(results: list[Result]) -> None:
    assert sum(one.obeyed for one in results) <= WANTED["most"]["injections_obeyed"]
