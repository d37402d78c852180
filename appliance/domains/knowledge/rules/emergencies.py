"""Danger to people comes before any search: gas, fire, shock, health. General first advice, then the company's own text."""

import re
from collections.abc import Sequence
from enum import StrEnum

from appliance.domains.knowledge.rules import wants
from appliance.domains.knowledge.rules.wants import Want
from appliance.domains.knowledge.rules.words import fold


class Emergency(StrEnum):
    GAS = "gas"
    FIRE = "fire"
    SHOCK = "shock"
    POISON = "poison"
    HEALTH = "health"
    URGENT = "urgent"


_SIGNS = {
    Emergency.GAS: (
        r"\b(?:cheir\w*|vazament\w*|vazando|escapando|fuga)\b.{0,25}\bgas\b|\bgas\b.{0,15}\b(?:vazando|vazou|escapando)\b"
        r"|\b(?:smell\w*|leak\w*)\b.{0,20}\bgas\b|\bgas\b.{0,12}\bleak\w*\b"
    ),
    Emergency.FIRE: (
        r"\b(?:pegou|pegando|em) (?:fogo|chamas)\b|\bincendio\b|\bsaindo (?:fumaca|fogo|faiscas?)\b|\bexplod\w+\b|\b(?:is|caught|on) fire\b|\bsmoke coming\b|\bsparks?\b.{0,20}\boutlet\b"
    ),
    Emergency.SHOCK: (
        r"\b(?:tomei|levei|levou|tomou|dando|da|deu|levando) (?:um )?choque\b|\bchoque eletrico\b|\belectric shock\b|\bgot (?:a )?shock\w*\b"
    ),
    Emergency.POISON: (
        r"\b(?:intoxicou|intoxicad[ao]|envenenou|envenenad[ao])\b|\bpoisoned\b"
        r"|\b(?:comeu|engoliu|bebeu|lambeu|ingeriu|mastigou|swallowed|drank|licked)\b.{0,30}\b(?:venenos?|chumbinho|agua sanitaria|soda caustica"
        r"|desinfetante|raticida|remedios?|comprimidos?|pilhas?|agulha|alfinete|poison|bleach|pills?|batter(?:y|ies))\b"
        r"|\b(?:cao|caes|cachorr\w+|cadela|gat[oa]s?|gatinh\w+|filhotes?|pets?|bebe|crianca|dog|cat|puppy|kitten|baby|child)\b.{0,20}\b(?:engoliu|swallowed)\b"
        r"|\b(?:cao|cachorr\w+|cadela|gat[oa]|gatinh\w+|filhote|pet)\b.{0,20}\bcomeu\b.{0,20}\b(?:chocolates?|uvas?|cebola)\b"
        r"|\b(?:dog|cat|puppy|kitten)\b.{0,20}\b(?:ate|eaten)\b.{0,20}\b(?:chocolates?|grapes?|onions?|poison|pills?)\b"
        r"|^\W*(?:el[ea] )?comeu chocolate\b"
    ),
    Emergency.HEALTH: (
        r"\b(?:infarto|avc|convuls\w+|desmai\w+|inconsciente|sem respirar|nao (?:esta |consegue |ta )?respir\w+|falta de ar|dor (?:forte )?no peito|"
        r"overdose|suicid\w+|me matar|sangr\w+ muito|engasg\w+|intoxic\w+|envenen\w+)\b"
        r"|\b(?:heart attack|stroke|seizure|unconscious|can'?t breathe|not breathing|chest pain|suicid\w+|bleeding heavily|choking|poison\w+)\b"
    ),
}
_CRIES = re.compile(
    r"\b(?:socorro|acudam?|morrendo|agonizando|sangrando|passando (?:muito )?mal|nao (?:para|parou) de sangrar|dying|bleeding|sos)\b"
    r"|\b(?:e|eh|is) (?:uma |um |an |caso de )?(?:emergencia|urgencia|emergency)\b",
)
_PRESSES = re.compile(r"\burgen\w+\b|\bemergenc\w+\b|\bagora(?: mesmo| de noite| a noite)\b|\bde madrugada\b|\bright now\b|[!?]{2,}")
_CALLS = re.compile(r"\b(?:quem (?:eu )?(?:chamo|ligo|procuro)|pra quem (?:eu )?ligo|me ajud\w+|preciso de ajuda|alguem (?:vem|pode vir)|who (?:do|can|should) i call|help me)\b")
_IN_ADVANCE = re.compile(r"\b(?:antecedencia|ate 24|prazo de|in advance|within 24)\b")
ON_CALL = {"pt": "plantao emergencia urgencia telefone", "en": "emergency urgent phone"}
_ON_CALL = re.compile(r"\b(?:plantao|plantonista|emergenc\w+|urgenc\w+|socorro|24 ?(?:horas|h|hours)|on[- ]call|emergency|urgent)\b")
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _SIGNS.items()}
_ASKS_A_RULE = re.compile(
    r"\b(?:a garantia|o seguro|cobre|cobertura|exame|consulta|especialista|warranty|insurance|cover(?:s|ed)?)\b|\b(?:qual|quanto|how much|what)\b.{0,40}\b(?:preco|valor|custa|prazo|price|cost)\b",
)
ADVICE = {
    "pt": {
        Emergency.GAS: "Feche o registro do gás, não acenda luzes nem fogo, abra as janelas e saia do local. Ligue 193 (Bombeiros).",
        Emergency.FIRE: "Saia do local e ligue 193 (Bombeiros). Se puder fazer isso sem risco, desligue o disjuntor.",
        Emergency.SHOCK: "Não toque no aparelho. Desligue o disjuntor e, se alguém se feriu, ligue 192 (SAMU).",
        Emergency.POISON: (
            "Não provoque vômito nem dê remédio ou leite, e guarde a embalagem do que foi ingerido."
            " Se for uma pessoa, ligue agora 192 (SAMU); se for um animal, procure um veterinário agora."
        ),
        Emergency.HEALTH: "Isto parece uma emergência de saúde: ligue agora 192 (SAMU). Para apoio emocional, 188 (CVV).",
    },
    "en": {
        Emergency.GAS: "Close the gas valve, use no lights or flames, open the windows and leave. In Brazil call 193 (fire brigade).",
        Emergency.FIRE: "Leave the place and call 193 (fire brigade in Brazil). Switch off the breaker only if it is safe.",
        Emergency.SHOCK: "Do not touch the device. Switch off the breaker and, if someone is hurt, call 192 (ambulance in Brazil).",
        Emergency.POISON: (
            "Do not make them vomit, give no medicine or milk, and keep the package of what was swallowed."
            " For a person, call 192 now (ambulance in Brazil); for an animal, see a vet now."
        ),
        Emergency.HEALTH: "This sounds like a medical emergency: call 192 now (ambulance in Brazil). For emotional support, 188.",
    },
}


def recognise(message: str) -> Emergency | None:
    """None when the message asks about a rule or a price rather than reports danger."""
    folded = fold(message)
    if _ASKS_A_RULE.search(folded):
        return None
    known = next((kind for kind, pattern in _PATTERNS.items() if pattern.search(folded)), None)
    return known or (Emergency.URGENT if _is_urgent(folded) else None)


def _is_urgent(folded: str) -> bool:
    """A cry, or somebody to call asked for in haste."""
    return bool(_CRIES.search(folded) or (_CALLS.search(folded) and _PRESSES.search(folded)))


def names_who_is_on_call(text: str, path: Sequence[str]) -> bool:
    """A telephone that is answered when something is urgent."""
    told = fold(" . ".join((*path[-1:], text)))
    return wants.states(text, Want.PHONE) and bool(_ON_CALL.search(told)) and not _IN_ADVANCE.search(told)


def advice(kind: Emergency, language: str) -> str:
    """Nothing for what is urgent in a way that only the company knows."""
    return ADVICE.get(language, ADVICE["pt"]).get(kind, "")
