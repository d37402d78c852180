"""The model server's wire format: how a call is made, and what its errors mean here."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import httpx

from appliance.core import metrics, tracing
from appliance.core.errors import DomainError, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.inference import early
from appliance.inference.errors import IndexMismatch, IndexMissing, ModelRefused, NoModel, SchemaNotMet

CONNECT_TIMEOUT_S = 2.0
RESTART_S = 2.0
BUSY_S = 1.0
LONGEST_LINE = 1_000_000
JSON = {"Content-Type": "application/json"}
INDEXES = "/v1/index/"
Json = Mapping[str, object]
ShareOf = Callable[[str], bytes]
_AGAIN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError)


class ModelServer:
    """Connections to the model server, kept open per process. Every call may be repeated without harm."""

    def __init__(self, address: Path | str, *, timeout_s: float, token: str = "", share_of: ShareOf | None = None) -> None:
        """`share_of` gives the owner's part of the key to an index, by its namespace."""
        self._share_of = share_of
        self._address = address
        self._timeout = httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._clients: dict[int, httpx.Client] = {}
        self._lines: dict[int, early.Line] = {}
        self._lock = threading.Lock()

    def call(self, method: str, path: str, body: Json | None = None, *, timeout_s: float | None = None) -> dict[str, object]:
        """`timeout_s` shortens the wait of this one call. Raises Unavailable and the errors of appliance.inference.errors."""
        with measured(method, path):
            return _read(self._sent(method, path, body, self._timeout if timeout_s is None else httpx.Timeout(timeout_s)))

    def text(self, path: str, *, timeout_s: float) -> bytes:
        """What is not JSON. Raises what `call` raises."""
        with translated():
            response = self._client().get(path, timeout=timeout_s)
        if response.is_error:
            raise error_of(response)
        return response.content

    def upload(self, path: str, file: bytes, fields: Mapping[str, str], *, timeout_s: float) -> dict[str, object]:
        """A form with one file. Raises what `call` raises."""
        timeout = httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
        with measured("POST", path), translated():
            return _read(self._client().post(path, data=fields, files={"file": file}, timeout=timeout, headers=tracing.headers()))

    def begin(self, path: str, body: Json, *, timeout_s: float) -> Callable[[], dict[str, object]]:
        """A POST that is sent now; calling what is returned waits for the answer and raises what `call` raises."""
        headers = {**self._share("POST", path), **tracing.headers()}
        answer = self._line().post(path, encoded(body) or b"", headers=headers, timeout_s=timeout_s)

        def read() -> dict[str, object]:
            with measured("POST", path):
                return _read(answer())

        return read

    def _sent(self, method: str, path: str, body: Json | None, timeout: httpx.Timeout) -> httpx.Response:
        client, content, headers = self._client(), encoded(body), {**JSON, **self._share(method, path), **tracing.headers()}
        with translated():
            try:
                return client.request(method, path, content=content, headers=headers, timeout=timeout)
            except _AGAIN:
                return client.request(method, path, content=content, headers=headers, timeout=timeout)

    def _share(self, method: str, path: str) -> dict[str, str]:
        """What is dropped need not be opened: its owner's key may be gone already."""
        if self._share_of is None or method == "DELETE" or not path.startswith(INDEXES):
            return {}
        return {"X-Index-Key": self._share_of(path.removeprefix(INDEXES).partition("/")[0]).hex()}

    @contextmanager
    def stream(self, path: str, body: Json, *, within_s: float) -> Iterator[Iterator[str]]:
        """Lines of a server-sent stream; leaving the block early closes the connection."""
        ends, timeout = time.monotonic() + within_s, httpx.Timeout(within_s, connect=CONNECT_TIMEOUT_S)
        with measured("POST", path), translated():
            headers = {**JSON, **tracing.headers()}
            with self._client().stream("POST", path, content=encoded(body), headers=headers, timeout=timeout) as response:
                if response.is_error:
                    response.read()
                    raise error_of(response)
                yield lines_of(response, ends)

    def _client(self) -> httpx.Client:
        """A forked child gets connections of its own."""
        with self._lock:
            client = self._clients.get(os.getpid())
            if client is None:
                client = self._clients[os.getpid()] = self._connect()
            return client

    def _line(self) -> early.Line:
        with self._lock:
            line = self._lines.get(os.getpid())
            if line is None:
                line = self._lines[os.getpid()] = early.Line(self._address, headers={**JSON, **self._headers})
            return line

    def _connect(self) -> httpx.Client:
        if isinstance(self._address, Path):
            transport = httpx.HTTPTransport(uds=str(self._address), verify=False)
            return httpx.Client(transport=transport, base_url="http://models", timeout=self._timeout, headers=self._headers)
        return httpx.Client(base_url=self._address, timeout=self._timeout, headers=self._headers, trust_env=False)

    def close(self) -> None:
        with self._lock:
            for client in self._clients.values():
                client.close()
            for line in self._lines.values():
                line.close()
            self._clients.clear()
            self._lines.clear()


@contextmanager
def measured(method: str, path: str) -> Iterator[None]:
    """How long a model took, for metrics and within a trace."""
    task = _task_of(path)
    started, outcome = time.perf_counter(), "done"
    with tracing.span(f"{method} {task}", "client"):
        try:
            yield
        except DomainError as err:
            outcome = "unavailable" if isinstance(err, Unavailable) else "failed"
            raise
        finally:
            metrics.MODELS.labels(task, outcome).observe(time.perf_counter() - started)


def _task_of(path: str) -> str:
    """Without the namespace of an index, which names an organisation."""
    if path.startswith(INDEXES):
        return f"index/{path.removeprefix(INDEXES).partition('/')[2] or 'whole'}"
    return path.removeprefix("/v1/").strip("/")


def _read(response: httpx.Response) -> dict[str, object]:
    if response.is_error:
        raise error_of(response)
    if response.status_code == HTTPStatus.NO_CONTENT:
        return {}
    found = response.json()
    assert isinstance(found, dict)
    return found


def encoded(body: Json | None) -> bytes | None:
    """Half an emoji, which phones do send, becomes a question mark instead of an error."""
    return None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def lines_of(response: httpx.Response, ends: float) -> Iterator[str]:
    """Lines as they come, until `ends` on the monotonic clock. Raises Unavailable."""
    rest = ""
    for text in response.iter_text():
        if time.monotonic() > ends:
            raise too_slow()
        *whole, rest = (rest + text).split("\n")
        if len(rest) > LONGEST_LINE:
            raise Unavailable(_("The language model server sent something that is not an answer."))
        yield from whole
    yield rest


def too_slow() -> Unavailable:
    return Unavailable(_("The models took too long to answer."), retry_after=RESTART_S)


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as err:
        raise too_slow() from err
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        raise Unavailable(_("The model server does not answer; it may be starting."), retry_after=RESTART_S) from err


def error_of(response: httpx.Response) -> DomainError:
    """What a refusal by the model server means for the caller."""
    code, sentence = _told(response)
    if response.status_code in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return Unavailable(_("The models are busy; try again in a moment."), retry_after=retry_after(response))
    known = _BY_CODE.get(code)
    if known is not None:
        return known(sentence)
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(_("The model server could not do this now: %(reason)s", reason=sentence), retry_after=RESTART_S)
    return ModelRefused(_("The model server refused: %(reason)s", reason=sentence))


def retry_after(response: httpx.Response) -> float:
    given = response.headers.get("retry-after", "")
    return float(given) if given.isdigit() else BUSY_S


def _told(response: httpx.Response) -> tuple[str, str]:
    try:
        error = response.json()["error"]
        return str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return "", response.reason_phrase


_BY_CODE: dict[str, type[DomainError]] = {
    "index_missing": IndexMissing,
    "build_missing": IndexMissing,
    "index_model_mismatch": IndexMismatch,
    "schema_not_met": SchemaNotMet,
    "model_not_found": NoModel,
    "engine_missing": NoModel,
    "no_chat_model": NoModel,
    "no_embedding_model": NoModel,
    "no_rerank_model": NoModel,
    "no_transcription_model": NoModel,
}
