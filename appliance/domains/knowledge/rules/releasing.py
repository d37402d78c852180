"""What a language model writes is let out sentence by sentence, each once its sources carry it."""

from collections.abc import Sequence

from appliance.domains.knowledge.rules import citations, groundedness, prompting, sentences

MOST_DROPPED = 3
LONGEST_SENTENCE = 800  # characters; the model was asked for eighty words in all


class Release:
    """`shown` only ever grows. Nothing is shown before a sentence that cites a source which carries it."""

    def __init__(self, sources: Sequence[str], language: str) -> None:
        self._sources = sources
        self._language = language
        self._rest = ""
        self._held = ""
        self._gap = ""
        self._stands = False
        self._declined = False
        self._dropped = 0
        self.shown = ""

    @property
    def over(self) -> bool:
        """Nothing better will come: the model does not know, or what it writes is not from the sources."""
        endless = len(self._rest) > LONGEST_SENTENCE
        return self._declined or endless or (not self._stands and self._dropped >= MOST_DROPPED)

    @property
    def grounded(self) -> bool:
        return self._dropped == 0

    def take(self, piece: str) -> None:
        *lines, last = (self._rest + piece).split("\n")
        for line in lines:
            self._judge(_sentences(line))
            self._gap = "\n" if self.shown or self._held else ""
        *whole, rest = _sentences(last) or [""]
        self._rest = rest + last[len(last.rstrip()):]
        self._judge(whole)

    def end(self) -> None:
        """The model has finished; what is left is its last sentence."""
        last, self._rest = self._rest, ""
        self._judge(_sentences(last))

    def _judge(self, whole: Sequence[str]) -> None:
        for sentence in whole:
            if self.over:
                return
            if prompting.declines(sentence):
                self._declined = True
            else:
                self._weigh(citations.drop_dangling(sentence, len(self._sources)))

    def _weigh(self, sentence: str) -> None:
        if not groundedness.is_supported(sentence, self._sources, self._language):
            self._dropped += 1
            return
        self._held += self._gap + sentence
        self._gap = " "
        self._stands = self._stands or groundedness.is_carried(sentence, self._sources, self._language)
        if self._stands:
            self.shown, self._held = self.shown + self._held, ""


def _sentences(text: str) -> list[str]:
    return sentences.split(citations.before_stops(text))
