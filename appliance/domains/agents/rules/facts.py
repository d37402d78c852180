"""What to hold on to of what somebody wrote: order numbers, amounts, dates, hours, quantities, codes, ways to reach them."""

import re
from collections.abc import Sequence

from appliance.domains.agents.types import Fact, FactKind, Line

MOST = 8
# each repetition has an end: it is begun at every letter of whatever a customer sends
_NUMBER = r"\d{1,3}(?:[.,]\d{3}){1,5}(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_MONTH = (
    "jan(?:eiro|uary)?|fev(?:ereiro)?|feb(?:ruary)?|mar(?:[cç]o|ch)?|abr(?:il)?|apr(?:il)?|mai(?:o)?|may|jun(?:ho|e)?|jul(?:ho|y)?"
    "|ago(?:sto)?|aug(?:ust)?|set(?:embro)?|sep(?:tember)?|out(?:ubro)?|oct(?:ober)?|nov(?:embro|ember)?|dez(?:embro)?|dec(?:ember)?"
)
_DAY = "segunda|ter[cç]a|quarta|quinta|sexta|s[aá]bado|domingo|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_PART_OF_DAY = "que vem|passada|passado|de manh[aã]|[aà] tarde|[aà] noite"
_NO_DAY = "vez|op[cç][aã]o|parcela|via|m[aã]o"  # a segunda vez
_PAPER = (
    "pv|os|nf(?:-?e)?|pedido|ordem|protocolo|chamado|contrato|nota(?: fiscal)?|fatura|boleto|order|ticket|invoice|tracking|rastreio|case"
)
_NO_UNIT = "e|é|de|da|do|das|dos|ou|a|o|as|os|em|no|na|pra|para|por|com|que|q|mil|h|hs|and|or|of|to|in|at|the|is|for|reais|[aà]s"

# one pattern a line; of two that fit a place the earlier kind has it
_PATTERNS: tuple[tuple[FactKind, str], ...] = (
    (FactKind.LINK, r"https?://\S+|\bwww\.\S+"),
    (FactKind.CONTACT, r"""
        (?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,9}
        (?<![\d.,])(?:\+?55\s?)?\(?\d{2}\)?\s?9?\d{4}[-\s]\d{4}\b
    """),
    (FactKind.CODE, r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b|\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b|\b\d{5}-\d{3}\b"),
    (FactKind.ORDER, rf"""
        \b(?:{_PAPER})\s*(?:de compra|number|no\.?|n[º°.o]?|n[uú]mero|#|:)*\s*#?\s*(?=[\w./-]{{0,60}}\d)\w[\w./-]{{0,60}}\w
        \#\d{{3,}}
    """),
    (FactKind.AMOUNT, rf"""
        (?:r\$|us\$|\$|€)\s*(?:{_NUMBER})(?:\s?mil\b)?
        \b(?:{_NUMBER})\s?(?:mil\s)?(?:reais|real|conto|contos|d[oó]lares|dollars|euros)\b
        \b(?:{_NUMBER})\s?(?:mil\b|%)
        \b\d{{1,3}}(?:\.\d{{3}}){{1,5}}(?:,\d{{2}})?(?![\d.-]|\s?[^\W\d])
    """),
    (FactKind.DATE, rf"""
        \b(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|1[0-2])(?:/\d{{2,4}})?\b
        \b\d{{4}}-\d{{2}}-\d{{2}}\b
        \b\d{{1,2}}[º°]?\s(?:de\s)?(?:{_MONTH})\b
        \b(?:{_MONTH})\s\d{{1,2}}(?:st|nd|rd|th)?\b
        \bdia\s\d{{1,2}}\b(?!/)
        \b(?:depois de amanh[aã]|amanh[aã]|ontem|anteontem|hoje|hj|tomorrow|yesterday|today)\b
        \b(?:{_DAY})(?:-feira)?(?:\s(?:{_PART_OF_DAY}))?(?!\s(?:{_NO_DAY}))\b
        \b(?:semana|m[eê]s|ano)\s(?:que vem|passad[oa])\b
        \b(?:last|next)\s(?:week|month|year)\b
    """),
    (FactKind.TIME, r"\b\d{1,2}(?::\d{2}|\s?h(?:s|oras?)?(?:\s?\d{2})?)\b|\b[aà]s\s\d{1,2}\b(?!:)|\b\d{1,2}\s?(?:am|pm)\b"),
    (FactKind.QUANTITY, rf"\b(?:{_NUMBER})\s?(?!(?:{_NO_UNIT})\b)[^\W\d_]{{1,20}}"),
    (FactKind.CODE, r"\b(?-i:(?=[A-Z0-9-]{0,60}\d)(?=[A-Z0-9-]{0,60}[A-Z])[A-Z0-9][A-Z0-9-]{3,60})\b"),
)
_KINDS = tuple(
    (kind, re.compile("|".join(line.strip() for line in lines.splitlines() if line.strip()), re.IGNORECASE)) for kind, lines in _PATTERNS
)
_VAGUE_DAYS = frozenset({"segunda", "quarta", "quinta", "terça", "terca"})  # also "second", "fourth": only where a day is meant
_BEFORE_A_DAY = re.compile(r"\b(na|pra|para|até|ate|chegar|de|toda|próxima|proxima|essa|esta|nesta|nessa|última|ultima)\s$", re.IGNORECASE)
_URGENT_FIRST = (
    FactKind.ORDER, FactKind.AMOUNT, FactKind.DATE, FactKind.TIME, FactKind.CODE, FactKind.CONTACT, FactKind.LINK, FactKind.QUANTITY,
)  # fmt: skip


def find_facts(lines: Sequence[Line]) -> tuple[Fact, ...]:
    """Each once, where it was said first; when there are many those that matter most, in the order of the conversation."""
    found = {fact.text.casefold(): fact for line in reversed(lines) for fact in reversed(_of(line))}
    kept = sorted(found.values(), key=lambda fact: _URGENT_FIRST.index(fact.kind))[:MOST]
    return tuple(sorted(kept, key=lambda fact: fact.number))


def _of(line: Line) -> list[Fact]:
    taken = bytearray(len(line.text))
    found: list[tuple[int, Fact]] = []
    for kind, pattern in _KINDS:
        for hit in pattern.finditer(line.text):
            if any(taken[slice(*hit.span())]) or _is_ordinal(line.text, hit):
                continue
            taken[slice(*hit.span())] = b"x" * len(hit[0])
            found.append((hit.start(), Fact(kind, hit[0].strip(" .,;"), line.number)))
    return [fact for _start, fact in sorted(found, key=lambda pair: pair[0])]


def _is_ordinal(text: str, hit: re.Match[str]) -> bool:
    """`a segunda geladeira` is no Monday."""
    return hit[0].casefold() in _VAGUE_DAYS and not _BEFORE_A_DAY.search(text[max(0, hit.start() - 20) : hit.start()])
