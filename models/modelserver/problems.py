"""What the server tells a caller: a status, a stable code and a sentence. Bodies follow OpenAI's error shape."""

from http import HTTPStatus


class Problem(Exception):
    """`retry_after` is in seconds."""

    def __init__(self, status: HTTPStatus, code: str, sentence: str, *, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.retry_after = retry_after

    def body(self) -> dict[str, dict[str, str]]:
        kind = "invalid_request_error" if self.status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
        return {"error": {"message": self.sentence, "type": kind, "code": self.code}}

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def refused(code: str, sentence: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, code, sentence)


def missing(code: str, sentence: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, code, sentence)


def busy(model: str, retry_after: int) -> Problem:
    sentence = f"{model} has as much waiting work as it may hold; try again in {retry_after} s."
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", sentence, retry_after=retry_after)


def ending() -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "ending", "The model server is about to end; try again in a moment.", retry_after=2)


def too_slow(what: str, seconds: float) -> Problem:
    return Problem(HTTPStatus.GATEWAY_TIMEOUT, "timeout", f"{what} took longer than {seconds:g} s and was stopped.")


def gone() -> Problem:
    return refused("gone", "The caller went away.")


def absent(code: str, sentence: str) -> Problem:
    return Problem(HTTPStatus.NOT_IMPLEMENTED, code, sentence)


def unreadable(model: str) -> Problem:
    return refused("model_unreadable", f"{model} could not be loaded; its file may be damaged or too large for this box.")


def too_long() -> Problem:
    return refused("prompt_too_long", "The conversation is longer than this model can read; shorten it.")
