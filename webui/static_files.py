"""Style, script and pictures under one address that changes when any of them does, so that browsers may keep them for ever.

`/static/<tree>/js/shell.js`: the tree's hash is in the path, therefore relative imports between modules stay inside one version.
"""

import gzip
import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from flask import Response, request
from werkzeug.exceptions import NotFound

ROOT = Path(__file__).parent / "static"
SHEETS = ("tokens", "base", "layout", "components", "shell", "screens")  # layer order is stated in the first
FOREVER = "public, max-age=31536000, immutable"
COMPRESSED = frozenset({".css", ".js", ".svg", ".json", ".txt"})


@dataclass(frozen=True)
class StaticFile:
    body: bytes
    mimetype: str
    etag: str
    zipped: bytes | None


@dataclass(frozen=True)
class StaticTree:
    """All files in memory (well under a megabyte), compressed once."""

    hash: str
    files: dict[str, StaticFile]

    def url(self, path: str) -> str:
        """Raises KeyError for a file that does not exist: the first test that renders the page finds it."""
        self.files[path]
        return f"/static/{self.hash}/{path}"

    def respond(self, tree: str, path: str) -> Response:
        """A page of the last version may still ask for its own tree: it gets the file we have, not to be kept."""
        found = self.files.get(path)
        if found is None:
            raise NotFound
        zips = found.zipped is not None and "gzip" in request.headers.get("Accept-Encoding", "")
        response = Response(found.zipped if zips else found.body, mimetype=found.mimetype)
        if zips:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = FOREVER if tree == self.hash else "no-cache"
        response.set_etag(found.etag)
        response.make_conditional(request)
        return response


def load_tree(root: Path = ROOT) -> StaticTree:
    bodies = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    bodies["app.css"] = stylesheet(root)
    digest = sha256()
    for name in sorted(bodies):
        digest.update(name.encode() + b"\0" + sha256(bodies[name]).digest())
    return StaticTree(digest.hexdigest()[:12], {name: _static_file(name, body) for name, body in bodies.items()})


def stylesheet(root: Path = ROOT) -> bytes:
    """The layered sheets as one, followed by what single screens need."""
    sheets = [root / "css" / f"{name}.css" for name in SHEETS]
    return b"\n".join(path.read_bytes() for path in (*sheets, *sorted((root / "css" / "screens").glob("*.css"))))


def _static_file(name: str, body: bytes) -> StaticFile:
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    zipped = gzip.compress(body, 9, mtime=0) if Path(name).suffix in COMPRESSED else None
    return StaticFile(body, "text/javascript" if name.endswith(".js") else mimetype, sha256(body).hexdigest()[:20], zipped)
