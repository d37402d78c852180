"""The kind of fact a question asks for, and whether a text states one. It orders candidates; it never refuses."""

import re
from enum import StrEnum
from functools import lru_cache

from appliance.domains.knowledge.rules.words import fold


class Want(StrEnum):
    MONEY = "money"
    DURATION = "duration"
    CLOCK = "clock"
    PHONE = "phone"
    ADDRESS = "address"


_ASKED = {
    Want.MONEY: re.compile(
        r"\bquanto (?:custa\w*|e|fica|ta|esta|sai|pago|cobra\w*|vale)\b|\b(?:sai|fica|custa|e) quanto\b|\b(?:precinho|preco|valor|custo|custa|taxa|tarifa|frete|mensalidade|multa)\b|\bhow much\b|\b(?:price|cost|fee|charge)s?\b",
    ),
    Want.DURATION: re.compile(
        r"\bquanto tempo\b|\bquant[oa]s (?:dias?|meses|horas?|semanas?|anos?|minutos?)\b|\b(?:prazo|demora\w*)\b|\bhow long\b|\bhow many (?:days?|weeks?|months?|hours?|years?)\b",
    ),
    Want.CLOCK: re.compile(r"\b(?:que|ate que|quais) horas?\b|\bhorarios?\b|\b(?:abre|abrem|fecha|fecham)\b|\bwhat time\b|\bopening hours\b|\b(?:open|close)s?\b"),
    Want.PHONE: re.compile(r"\b(?:telefone|fone|whatsapp|ligar|phone|call)\b"),
    Want.ADDRESS: re.compile(r"\bender\wcos?\b|\bonde (?:(?:e|eh) que )?(?:voces )?(?:ficam?|estao|sao)\b|\baddress\b|\bwhere (?:are you|is (?:the|your) \w+)\b|\blocated\b"),
}
_STATED = {
    Want.MONEY: re.compile(r"(?:r\$|us\$|\$|€)\s*\d|\d\s*%|\bgratis\b|\bgratuit|\bisent|\bsem custo\b|\bfree\b|(?:preco|valor|taxa|frete|custo|price|fee|cost)\w*(?: \w+){0,2}: ?\d"),
    Want.DURATION: re.compile(
        r"\d+o? (?:dias?|meses|mes|horas?|semanas?|anos?|minutos?|min|d\.u|d\.c|days?|weeks?|months?|hours?|years?|minutes?|business|calendar|working)\b"
        r"|(?:prazo|dias|duracao|tempo|days|duration)\w*(?: \w+){0,2}: ?\d",
    ),
    Want.CLOCK: re.compile(r"\b\d{1,2}(?:h|:\d\d)|\b\d{1,2} ?(?:am|pm)\b|\bfechad|\bclosed\b|\b24 horas\b"),
    Want.PHONE: re.compile(r"\(?\d{2}\)? ?\d{4,5}-\d{4}|\b0800\b|\b\d{4,5}-\d{4}\b|\bramal \d"),
    Want.ADDRESS: re.compile(
        r"\b(?:rua|r\.|av\.?|avenida|alameda|praca|travessa|estrada|rodovia|rod\.) [^\d;:?!]{2,50}?,? ?(?:n[o.]* ?|km ?)?\d{1,5}\b"
        r"|\b\d{1,5} [^\d;:?!]{2,40} (?:street|avenue|road)\b",
    ),
}
NAMED = {
    Want.PHONE: {"pt": "telefone numero contato ligar", "en": "phone number contact call"},
    Want.ADDRESS: {"pt": "endereco localizacao", "en": "address located location"},
}


def wanted(question: str) -> frozenset[Want]:
    """`question` with its abbreviations written out."""
    folded = fold(question)
    return frozenset(want for want, pattern in _ASKED.items() if pattern.search(folded))


@lru_cache(maxsize=16384)
def states(text: str, want: Want) -> bool:
    return bool(_STATED[want].search(fold(text)))
