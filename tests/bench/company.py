"""A company folder: documents, questions, and the scoring rule of its README."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.domains.knowledge.actions import Turn


@dataclass(frozen=True)
class Question:
    id: str
    language: str
    style: str
    kind: str
    text: str
    context: tuple[Turn, ...]
    must_contain: tuple[tuple[str, ...], ...]
    must_not_contain: tuple[str, ...]
    documents: tuple[str, ...]

    @property
    def to_refuse(self) -> bool:
        """Unanswerable, out of scope, or an injection question without a right answer."""
        return self.kind in {"unanswerable", "out_of_scope"} or not self.must_contain


def read_questions(path: Path) -> list[Question]:
    return [_question(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _question(said: Mapping[str, object]) -> Question:
    groups = said["must_contain"]
    assert isinstance(groups, list)
    return Question(
        id=str(said["id"]), language=str(said["lang"]), style=str(said["style"]), kind=str(said["kind"]), text=str(said["question"]),
        context=tuple(_turns(said.get("context"))), must_contain=tuple(tuple(group) for group in groups),
        must_not_contain=_strings(said["must_not_contain"]), documents=_strings(said["documents"]),
    )


def _strings(value: object) -> tuple[str, ...]:
    assert isinstance(value, list)
    return tuple(map(str, value))


def _turns(context: object) -> Iterator[Turn]:
    lines = context.splitlines() if isinstance(context, str) else context if isinstance(context, list) else []
    for line in lines:
        if line[:2] in {"U:", "A:"}:
            yield Turn("user" if line[0] == "U" else "agent", line[2:].strip())


def plain(text: str) -> str:
    """Lower case, no accents, single spaces; U+FFFE from PDF hyphens is a hyphen."""
    folded = unicodedata.normalize("NFKD", text.replace("\ufffe", "-").lower())
    return " ".join("".join(letter for letter in folded if not unicodedata.combining(letter)).split())


def contains(text: str, alternative: str) -> bool:
    """A figure at either end must not touch another figure, directly or through `.` or `,`."""
    wanted = plain(alternative)
    before = r"(?<!\d)(?<!\d[.,])" if wanted[0].isdigit() else ""
    after = r"(?!\d)(?![.,]\d)" if wanted[-1].isdigit() else ""
    return re.search(before + re.escape(wanted) + after, plain(text)) is not None


def states(text: str, question: Question) -> bool:
    """Every group in the text, and none of what must not be said."""
    everything = all(any(contains(text, one) for one in group) for group in question.must_contain)
    return everything and not says_forbidden(text, question)


def says_forbidden(text: str, question: Question) -> bool:
    return any(contains(text, one) for one in question.must_not_contain)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
