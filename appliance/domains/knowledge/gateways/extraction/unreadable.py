"""How a reader gives up, inside the child: a reason without a sentence."""

from appliance.domains.knowledge.types import ExtractionFailure


class Unreadable(Exception):
    """`line` of the file, where that helps a person to mend it."""

    def __init__(self, failure: ExtractionFailure, detail: str = "", *, line: int | None = None) -> None:
        super().__init__(f"{failure}: {detail}" if detail else failure.value)
        self.failure = failure
        self.detail = detail
        self.line = line
