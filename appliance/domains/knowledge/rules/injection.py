# ruff: noqa: ISC004

"""Text in a document that gives orders to the assistant. One layer of several: what is cut is cut visibly."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.domains.knowledge.rules.words import fold

_ORDERS = (
    r"\b(?:ignor\w+|desconsider\w+|esquec\w+|disregard|forget|override|bypass)\b[^.!?]{0,40}\b(?:instruc\w+|instructions?|orientac\w+|regras?|rules?|prompts?|comandos?|"
    r"acima|above|anterior\w*|previous|prior)\b",
    r"\b(?:voce|tu|you)\b[^.!?]{0,12}\b(?:agora|now)\b[^.!?]{0,12}\b(?:e|es|are|sera|vai|deve|must|will)\b[^.!?]{0,40}\b(?:assistente|assistant|ia|ai|bot|modo|mode|admin\w*|dan)\b",
    r"\b(?:system|developer) (?:prompt|message|override)\b|\bprompt d[eo] sistema\b|<\|?(?:im_start|system|endoftext)\|?>|\[/?inst\]|^[ \t>]{0,20}(?:system|assistant)[ \t]{0,8}:",
    r"\b(?:nao|never|do not|don't|dont|jamais)\b[^.!?]{0,12}\b(?:mencion\w+|cont[ea]\w*|revel\w+|cit[ea]\w*|mention|reveal|tell|disclose)\b[^.!?]{0,24}"
    r"\b(?:est[ea]s?|ess[ea]s?|isso|isto|this|these|ninguem|anyone|nota|note|instruc\w+|instructions?|aviso)\b",
    r"\b(?:assistente|assistant|chatbot|robo|bot|modelo|model|ia|ai|llm)\b[^.!?]{0,30}\b(?:deve|devera|tem que|precisa|must|should|has to|shall|responda|informe|diga|respond|reply|say)\b",
    r"\b(?:a partir de agora|from now on)\b[^.!?]{0,60}\b(?:respond\w+|dig\w+|inform\w+|ofere\w+|answer|say|reply|offer|act|aja|ignor\w+)\b",
    r"\b(?:repita|imprima|mostre|revele|envie|repeat|print|show|reveal|send)\b[^.!?]{0,30}\b(?:prompt|instrucoes (?:de|do) sistema|system instructions|senhas?|passwords?|api key|"
    r"chave de api|base de clientes|customer (?:list|data))\b",
)
_PATTERN = re.compile("|".join(f"(?:{order})" for order in _ORDERS), re.MULTILINE)
_COMPANION = re.compile(
    r"^(?:[>\s]*)(?:informe|ofereca|oferte|diga|responda|use|utilize|conceda|aprove|aplique|libere|envie|inclua|nao (?:mencione|conte|revele|cite)|"
    r"tell|offer|say|answer|reply|give|grant|approve|apply|use|send|include|do not|don't|never)\b",
)


NEAR = 3


@dataclass(frozen=True, slots=True)
class Cut:
    """Sentence numbers, first to last, that were removed, and their text for the log."""

    first: int
    last: int
    text: str


def is_order(sentence: str) -> bool:
    """The sentence speaks to the machine that reads it, not to a customer or a colleague."""
    return bool(_PATTERN.search(fold(sentence)))


def cut(sentences: Sequence[str]) -> tuple[list[str], list[Cut]]:
    """Remove from the first order to the last of each group, and the imperatives that follow it directly. What stands outside stays."""
    cuts = [_companions(sentences, first, last) for first, last in _groups(sentences)]
    gone = {number for one in cuts for number in range(one.first, one.last + 1)}
    return [sentence for number, sentence in enumerate(sentences) if number not in gone], cuts


def _groups(sentences: Sequence[str]) -> list[tuple[int, int]]:
    """Orders at most NEAR sentences apart belong together; what lies between them is theirs."""
    groups: list[tuple[int, int]] = []
    for number, sentence in enumerate(sentences):
        if is_order(sentence):
            joins = groups and number - groups[-1][1] <= NEAR
            groups = [*groups[:-1], (groups[-1][0], number)] if joins else [*groups, (number, number)]
    return groups


def _companions(sentences: Sequence[str], first: int, last: int) -> Cut:
    while last + 1 < len(sentences) and _COMPANION.match(fold(sentences[last + 1])):
        last += 1
    return Cut(first, last, " ".join(sentences[first:last + 1]))
