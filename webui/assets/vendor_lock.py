"""Writes VENDOR.lock: what stands in static/vendor, where it came from, and its hash."""

import hashlib
import json
from pathlib import Path
from typing import TypedDict

ASSETS = Path(__file__).parent
VENDOR = ASSETS.parent / "static" / "vendor"
COMMAND = "webui/assets/build.sh"
CONTENTS = {
    "htmx.js": {"htmx.org": "0BSD"},
    "htmx-sse.js": {"htmx.org": "0BSD"},
    "islands.js": {"preact": "MIT", "@preact/signals": "MIT", "htm": "Apache-2.0"},
}


class Entry(TypedDict):
    packages: dict[str, str]
    licence: str
    sha256: str
    command: str


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock() -> dict[str, Entry]:
    versions: dict[str, str] = json.loads((ASSETS / "package.json").read_text())["dependencies"]
    return {
        name: Entry(
            packages={package: versions[package] for package in licences},
            licence=" AND ".join(sorted(set(licences.values()))),
            sha256=sha256(VENDOR / name),
            command=COMMAND,
        )
        for name, licences in CONTENTS.items()
    }


if __name__ == "__main__":
    (VENDOR / "VENDOR.lock").write_text(json.dumps(lock(), indent=2) + "\n")
