"""A running conversation answers as well as single questions do."""

import os
from pathlib import Path

import pytest

from tests.bench import bench_answers
from tests.bench.company import read_questions
from tests.bench.knowledge_box import knowledge_box


@pytest.fixture(autouse=True)
def models() -> None:
    """Instead of the one that opens a box."""


def folders() -> list[Path]:
    """The companies of the tests, and `empresa_a` where SALESEDGE_EVAL_DATA names it."""
    shared = os.environ.get("SALESEDGE_EVAL_DATA", "")
    return [*bench_answers.OWN, *([Path(shared) / "empresa_a"] if shared else [])]


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_earlier_turns_do_not_leak_into_a_question_that_stands_alone(folder: Path) -> None:
    with knowledge_box() as filled:
        for path in sorted((folder / "docs").iterdir()):
            filled.put(path.name, path.read_bytes())
        filled.work()
        questions = read_questions(folder / "questions.jsonl")
        assert bench_answers.compare(bench_answers.ask_all(filled, questions), bench_answers.converse(filled, questions))
