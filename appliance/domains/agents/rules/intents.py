"""What a short message means, by words that any company's customers use, in Portuguese and English."""

import re
from collections.abc import Iterable, Sequence

from appliance.core.folding import fold_line
from appliance.domains.agents.rules.phrases import ASKS, COURTESY, ENGLISH, FILLER, PHRASES, PORTUGUESE, patterns
from appliance.domains.agents.types import Intent

_COMPILED = {intent: tuple(re.compile(line) for line in patterns(lines)) for intent, lines in PHRASES.items()}
_COURTESY = re.compile("|".join(patterns(COURTESY)))
_PORTUGUESE, _ENGLISH = frozenset(PORTUGUESE.split()), frozenset(ENGLISH.split())
_FILLER = frozenset(FILLER.split())
_WARM = re.compile("|".join(line for name in (Intent.THANKS, Intent.FAREWELL, Intent.GREETING) for line in patterns(PHRASES[name])))
_ASKS = re.compile("|".join(patterns(ASKS)))
_SHOUT = re.compile(r"[!?]{2,}")
LOOKED_UP = 3
CALM_LETTERS = 12
SHOUTED_SHARE = 0.7


def find_intents(text: str) -> tuple[Intent, ...]:
    """All that the message means, in order of weight; QUESTION when more than courtesy is left."""
    said = fold_line(text)
    found = [intent for intent, known in _COMPILED.items() if any(pattern.search(said) for pattern in known)]
    if Intent.NEGATIVE not in found and is_shouted(text) and Intent.COMPLAINT in found:
        found.append(Intent.NEGATIVE)
    if not is_courtesy(said):
        found.append(Intent.QUESTION)
    return tuple(found)


def is_courtesy(said: str) -> bool:
    """Only a greeting, thanks or goodbye: nothing that documents could answer."""
    folded = fold_line(said)
    left = re.findall(r"[^\W_]+", _COURTESY.sub(" ", folded))
    return not left or (bool(_WARM.search(folded)) and "?" not in _without_pleasantries(folded) and _FILLER.issuperset(left))


def asks(text: str) -> bool:
    """A question, a wish, a problem or a word or two to look up, rather than a remark that waits for no answer."""
    said = fold_line(text)
    return bool(_ASKS.search(said)) or len(said.split()) <= LOOKED_UP


def _without_pleasantries(folded: str) -> str:
    """A question mark after `tudo bem` asks nothing of the documents."""
    return re.sub(r"\b(?:tudo|td|como (?:vai|vao|esta|estao)|how are)\b[^?]*\?", " ", folded)


def is_shouted(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    loud = len(letters) > CALM_LETTERS and sum(char.isupper() for char in letters) > len(letters) * SHOUTED_SHARE
    return loud or bool(_SHOUT.search(text))


def mentions(text: str, phrases: Iterable[str]) -> str | None:
    """The first phrase that stands in the text as whole words."""
    said = fold_line(text)
    return next((phrase for phrase in phrases if re.search(rf"(?<!\w){re.escape(fold_line(phrase))}(?!\w)", said)), None)


def language_of(texts: Sequence[str], default: str) -> str:
    """pt or en by their commonest short words; the default when nothing tells."""
    words = set(re.findall(r"[a-z']+", fold_line(" ".join(texts))))
    portuguese = len(words & _PORTUGUESE)
    english = len(words & _ENGLISH)
    if portuguese == english:
        return default
    return "pt" if portuguese > english else "en"
