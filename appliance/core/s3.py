"""S3, spoken by its makers' library; its requests leave by the outbound client. Imported where a bucket is named: 24 MB and 0.2 s."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import botocore
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConfigValueStore, ConstantProvider
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.loaders import Loader
from botocore.session import Session

from appliance.core import guard
from appliance.core.breaker import Breakers
from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import Client, NotAllowed, Response, TransportFailed, vouched
from appliance.core.stores import BucketAway, gone

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

    from appliance.core.config import NetworkSettings
    from appliance.core.storage import FilesSettings

SILENT_S = 10.0
LONGEST_S = 600.0  # one file, to its last byte
ATTEMPTS = 2
CHUNK = 256 * 1024
_OWN_DATA = str(Path(botocore.__file__).parent / "data")
_NOT_THERE, _NO_BUCKET = {"NoSuchKey", "InvalidRange"}, "NoSuchBucket"
_FORBIDDEN = {401, 403}


class Bucket:
    """What is asked is named as the library names it. Raises NotFound, and BucketAway for all else that goes wrong."""

    def __init__(self, files: FilesSettings, network: NetworkSettings) -> None:
        self._files = files
        self._network = network
        self._prefix = f"{files.prefix.strip('/')}/" if files.prefix.strip("/") else ""
        self.address = f"{files.endpoint} {files.bucket} {self._prefix}"
        self._client = _client_of(files, self._send)
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        """A fork begins with no connection: its parent's are its parent's."""
        self._breakers, self._lines = Breakers(), threading.local()

    def ask(self, what: str, name: str = "", **more: Any) -> dict[str, Any]:
        guard.check_no_open_unit("bucket")
        named = {"Key": self._prefix + name} if name else {}
        with self._in_words():
            found: dict[str, Any] = getattr(self._client, what)(Bucket=self._files.bucket, **named, **more)
            return found

    @contextmanager
    def reading(self, name: str, **more: str) -> Iterator[Iterator[bytes]]:
        """What lies there, in chunks."""
        with contextlib.closing(self.ask("get_object", name, **more)["Body"]) as body:
            yield self._chunks_of(body)

    def _chunks_of(self, body: Any) -> Iterator[bytes]:
        with self._in_words():
            yield from body.iter_chunks(CHUNK)

    def name_of(self, key: str) -> str:
        return key.removeprefix(self._prefix)

    def pages(self, begins: str, **more: str) -> Iterator[Mapping[str, Any]]:
        """Of what lies there under names that begin so; the names are without the prefix of the settings."""
        guard.check_no_open_unit("bucket")
        with self._in_words():
            pages = self._client.get_paginator("list_objects_v2")
            yield from pages.paginate(Bucket=self._files.bucket, Prefix=self._prefix + begins, **more)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except ClientError as err:
            code, status = str(err.response["Error"].get("Code", "")), err.response["ResponseMetadata"]["HTTPStatusCode"]
            if code in _NOT_THERE:  # any other 404 may come from what stands before the store
                raise gone() from err
            raise BucketAway(self._said(code, status)) from err
        except (NotAllowed, Unavailable) as err:
            raise BucketAway(err, retry_after=getattr(err, "retry_after", None)) from err
        except (BotoCoreError, TransportFailed) as err:
            known = err.__cause__ if isinstance(err.__cause__, Unavailable) else None
            raise BucketAway(known or _("The store of files does not answer, or not as it should.")) from err

    def _said(self, code: str, status: int) -> Any:
        if code == _NO_BUCKET:
            return _("There is no bucket %(bucket)s in the store of files.", bucket=self._files.bucket)
        if status in _FORBIDDEN:
            return _("The store of files refuses the key in files.credentials_file.")
        return _("The store of files answers with an error: %(code)s.", code=code or status)

    def _send(self, request: AWSPreparedRequest, **_told: object) -> AWSResponse:
        """In place of the library's own way out."""
        headers = {name: _text(value) for name, value in request.headers.items() if name.lower() != "expect"}
        headers.setdefault("Accept-Encoding", "identity")
        client = self._line()
        try:
            sent = client.build_request(request.method, request.url, headers=headers, content=_content(request.body))
            answer = client.send(sent, stream=True)
        except Unavailable as err:
            self._hang_up()
            if isinstance(err.__cause__, TransportFailed):
                raise HTTPClientError(error=err) from err  # the library tries once more
            raise
        body = _Body(answer)
        return AWSResponse(request.url, answer.status_code, dict(answer.headers), body)

    def _line(self) -> Client:
        """One a thread: an exchange that is cut off for its length must not cut another's."""
        found: Client | None = getattr(self._lines, "client", None)
        if found is None:
            outbound = vouched(self._network, self._files.endpoint, ca_file=self._files.ca_file)
            outbound.breakers = self._breakers
            found = outbound.client("files", timeout_s=SILENT_S, within_s=LONGEST_S)
            self._lines.client = found
        return found

    def _hang_up(self) -> None:
        """The next one looks the name up again, and whether it may be called."""
        client: Client | None = self._lines.__dict__.pop("client", None)
        if client is not None:
            client.close()


class _Body:
    """An answer as the library reads it."""

    def __init__(self, answer: Response) -> None:
        self._answer = answer
        self._chunks = answer.iter_raw()

    def read(self, _size: int | None = None) -> bytes:
        return b"".join(self._chunks) if _size is None else next(self._chunks, b"")

    def stream(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        finally:
            self.close()

    def close(self) -> None:
        self._answer.close()


def _client_of(files: FilesSettings, send: Callable[..., AWSResponse]) -> Any:
    """The settings say all; the environment, and files of other programs, nothing."""
    session = Session()
    defaults = {name: ConstantProvider(default) for name, (*_names, default, _type) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    nowhere = dict.fromkeys(("config_file", "credentials_file"), ConstantProvider(os.devnull))
    session.register_component("config_store", ConfigValueStore(mapping={**defaults, **nowhere}))
    session.register_component("data_loader", Loader(extra_search_paths=[_OWN_DATA], include_default_search_paths=False))
    session.set_credentials(*files.keys)
    spoken = Config(
        signature_version="s3v4", region_name=files.region, s3={"addressing_style": "path"},
        request_checksum_calculation="when_required", response_checksum_validation="when_required",
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )  # fmt: skip
    client = session.create_client("s3", endpoint_url=files.endpoint, config=spoken)
    client.meta.events.register("before-send.s3", send)
    return client


def _content(body: object) -> bytes | Iterable[bytes]:
    if body is None:
        return b""
    return body if isinstance(body, bytes | bytearray) else _chunks_of(body)  # type: ignore[arg-type,return-value]  # else a file


def _chunks_of(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value
