"""Short forms a company explains in its own documents, and the few that a country shares."""

import re
from collections.abc import Iterable, Iterator, Mapping

from appliance.domains.knowledge.rules.words import fold

_SHORT = re.compile(r"\(([A-Z]{2,6})\)")
# Possessive, and only ever shown LONGEST characters: a hostile text must not make it think.
_LONG = re.compile(r"(?:[A-ZÀ-Ý][\w’'-]++(?: d[aeo]s?| e| of| the| and)?+ ?+){2,7}$")
LONGEST = 120
_GLOSSARY = re.compile(r"\b([A-Z]{2,6}): ([^.;:()]{6,80})")
COMMON = {
    "bh": "belo horizonte", "sp": "sao paulo", "rj": "rio janeiro", "bsb": "brasilia", "poa": "porto alegre", "cwb": "curitiba",
    "floripa": "florianopolis",
    "nf": "nota fiscal", "rg": "identidade", "cnh": "carteira motorista", "mei": "microempreendedor individual",
    "cd": "centro distribuicao",
    "pj": "pessoa juridica", "pf": "pessoa fisica", "vt": "vale transporte", "vr": "vale refeicao",
    "ead": "ensino distancia", "ti": "informatica",
}


def _explained(text: str) -> Iterator[tuple[str, str]]:
    """`Central de Atendimento (CA)`: the short form and the words before it."""
    for short in _SHORT.finditer(text):
        before = text[max(0, short.start() - LONGEST) : short.start()]
        start = next((place for place in range(len(before)) if _LONG.match(before, place)), None)
        if start is not None:
            yield short[1], before[start:]


def explained_in(texts: Iterable[str]) -> dict[str, str]:
    """Folded short form → what it stands for, where its letters are the initials of the words."""
    found: dict[str, str] = {}
    for text in texts:
        pairs = [*_explained(text), *_GLOSSARY.findall(text)]
        for short, long in pairs:
            words = _ending_with_initials(long, short)
            if words:
                found.setdefault(short.casefold(), words)
    return found


def _ending_with_initials(long: str, short: str) -> str:
    words = [word for word in fold(long).split() if word not in {"de", "da", "do", "das", "dos", "e", "of", "the", "and"}]
    for start in range(len(words)):
        taken = words[start:start + len(short)]
        if "".join(word[0] for word in taken) == short.casefold():
            return " ".join(taken)
    return ""


def expansions(question: str, known: Mapping[str, str]) -> str:
    """The long forms of the short ones in a question."""
    table = {**COMMON, **known}
    return " ".join(table[word] for word in re.findall(r"[^\W\d_]+", fold(question)) if word in table)
