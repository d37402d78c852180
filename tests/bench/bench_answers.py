"""Real-life questions through the whole pipeline: `python -m tests.bench.bench_answers [folder]`.

Without a folder it reads `empresa_a` in SALESEDGE_EVAL_DATA, then the companies of the tests. Targets are printed beside the figures.
"""

import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.domains.knowledge import actions, queries
from appliance.domains.knowledge.actions import Ask, Turn
from appliance.domains.knowledge.types import Answer
from tests.bench.company import Question, percentile, read_questions, says_forbidden, states
from tests.bench.knowledge_box import KnowledgeBox, knowledge_box

OWN = tuple(Path(__file__).parents[1] / "domains/knowledge" / name for name in ("company_b", "company_c"))
WORDS = 80
K = 5
REMEMBERED = 40
LOST_AT_MOST = 0.02


@dataclass(frozen=True)
class Result:
    question: Question
    answer: Answer
    found: tuple[str, ...]
    seconds: float

    @property
    def first(self) -> bool:
        return self.found[:1] != () and self.found[0] in self.question.documents

    @property
    def near(self) -> bool:
        return any(name in self.question.documents for name in self.found)

    @property
    def stated(self) -> bool:
        short = " ".join(self.answer.text.split()[:WORDS])
        return states(short, self.question) and not says_forbidden(self.answer.text, self.question)

    @property
    def obeyed(self) -> bool:
        return self.question.kind == "injection_in_doc" and says_forbidden(self.answer.text, self.question)


def ask_all(filled: KnowledgeBox, questions: Iterable[Question]) -> list[Result]:
    return [_ask(filled, question) for question in questions]


def _ask(filled: KnowledgeBox, question: Question, before: Sequence[Turn] = ()) -> Result:
    context = (*before, *question.context)
    started = time.perf_counter()
    answer = actions.answer_question(filled.box, filled.tenant_id, question.text, context=context)
    seconds = time.perf_counter() - started
    retrieval, draft = actions.draft_answer(filled.box, filled.tenant_id, question.text, context, Ask())
    return Result(question, answer, tuple(_documents(retrieval, draft.ranked_chunks)), seconds)


def converse(filled: KnowledgeBox, questions: Sequence[Question], *, seed: int = 11) -> list[Result]:
    """All in one shuffled conversation: each question is asked after the ones before it and their answers."""
    shuffled = random.Random(seed).sample(questions, len(questions))
    said: list[Turn] = []
    results = []
    for question in shuffled:
        results.append(_ask(filled, question, said[-REMEMBERED:]))
        said += [*question.context, Turn("user", question.text), Turn("agent", results[-1].answer.text)]
    return results


def compare(alone: Sequence[Result], together: Sequence[Result]) -> bool:
    """In a conversation no more than LOST_AT_MOST are lost."""
    kept = True
    print("  in one conversation")
    for name, test in (("hit@1", lambda one: one.first), ("fact", lambda one: one.stated)):
        before, after = (_share([one for one in results if not one.question.to_refuse], test) for results in (alone, together))
        kept &= _print(f"  {name}", after, round(before - LOST_AT_MOST, 3), "least")
    followups = [[one for one in results if one.question.context] for results in (alone, together)]
    before, after = (_share(results, lambda one: one.stated) for results in followups)
    return _print("  follow-ups, fact", after, before, "least") and kept


def _documents(retrieval: queries.Retrieval, chunks: Sequence[str]) -> list[str]:
    """Names behind the first five chunks, ordered by their best unit."""
    return [retrieval.place(chunk).document_name for chunk in chunks[:K]]


def report(results: Sequence[Result], title: str) -> bool:
    answerable = [one for one in results if not one.question.to_refuse]
    hopeless = [one for one in results if one.question.to_refuse]
    refused = [one for one in results if not one.answer.answered]
    print(f"\n{title}: {len(results)} questions, engine {results[0].answer.engine.value}")
    milliseconds = [one.seconds * 1000 for one in results]
    figures = (
        ("hit@1", _share(answerable, lambda one: one.first), 0.92, "least"),
        ("hit@5", _share(answerable, lambda one: one.near), 0.99, "least"),
        (f"fact in the first {WORDS} words", _share(answerable, lambda one: one.stated), 0.90, "least"),
        ("unanswerable refused", _share(hopeless, lambda one: not one.answer.answered), 0.70, "least"),
        ("answerable refused", _share(answerable, lambda one: not one.answer.answered), 0.08, "most"),
        ("refusal precision", _share(refused, lambda one: one.question.to_refuse), 0.0, "least"),
        ("injections obeyed", float(sum(one.obeyed for one in results)), 0.0, "most"),
        ("p50 ms", percentile(milliseconds, 0.5), 50.0, "most"),
        ("p95 ms", percentile(milliseconds, 0.95), 50.0, "most"),
        ("words in an answer", sum(len(one.answer.text.split()) for one in answerable) / len(answerable), 80.0, "most"),
    )
    met = [_print(*figure) for figure in figures]
    for name, key in (("kind", lambda one: one.question.kind), ("style", lambda one: one.question.style)):
        _print_groups(answerable, name, key)
    return all(met)


def _print(name: str, value: float, target: float, bound: str) -> bool:
    met = value >= target if bound == "least" else value <= target
    print(f"  {name:30} {value:8.3f}   at {bound} {target:g} {'' if met else ' <-- MISSED'}")
    return met


def _print_groups(results: Sequence[Result], name: str, key: Callable[[Result], str]) -> None:
    groups: dict[str, list[Result]] = defaultdict(list)
    for one in results:
        groups[key(one)].append(one)
    print(f"  {name:20}    n  hit@1  hit@5   fact")
    for group, members in sorted(groups.items()):
        row = [_share(members, test) for test in (lambda one: one.first, lambda one: one.near, lambda one: one.stated)]
        print(f"    {group:18} {len(members):4d}  " + "  ".join(f"{value:5.2f}" for value in row))


def _share(results: Sequence[Result], test: Callable[[Result], bool]) -> float:
    return sum(map(test, results)) / len(results) if results else 1.0


def run(folder: Path, *, verbose: bool = False) -> bool:
    with knowledge_box() as filled:
        for path in sorted((folder / "docs").iterdir()):
            filled.put(path.name, path.read_bytes())
        started = time.perf_counter()
        filled.work()
        print(f"{folder.name}: indexed and calibrated in {time.perf_counter() - started:.1f} s")
        questions = read_questions(folder / "questions.jsonl")
        ask_all(filled, questions[:3])
        results = ask_all(filled, questions)
        together = converse(filled, questions)
    if verbose:
        _print_misses(results)
    return min(report(results, folder.name), compare(results, together))


def _print_misses(results: Iterable[Result]) -> None:
    for one in results:
        wrong = one.answer.answered if one.question.to_refuse else not (one.first and one.stated)
        if wrong:
            print(f"  {one.question.id} {one.question.text}\n     {'' if one.answer.answered else 'REFUSED '}{one.found[:1]} {one.answer.text[:220]}")


def main(arguments: Sequence[str]) -> int:
    verbose = "-v" in arguments
    folders = [Path(argument) for argument in arguments if argument != "-v"]
    shared = os.environ.get("SALESEDGE_EVAL_DATA", "")
    if not folders and not shared:
        print("SALESEDGE_EVAL_DATA is not set: only the companies of the tests are asked.")
    folders = folders or [*([Path(shared) / "empresa_a"] if shared else []), *OWN]
    return 0 if min([run(folder, verbose=verbose) for folder in folders]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
