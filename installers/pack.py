"""Signs the product's tree with what installers/bundle gathered: `python installers/pack.py FOLDER PRIVATE_KEY OUTPUT UPDATES_FROM`."""

# ruff: noqa: INP001 - a program of its own
import sys
from pathlib import Path

TREE = Path(__file__).parents[1]
sys.path.insert(0, str(TREE))

from appliance.core import releases, signing  # noqa: E402 - the tree is known only now
from appliance.core.errors import DomainError  # noqa: E402


def main(folder: str, key: str, output: str, updates_from: str) -> None:
    signer = signing.read_private_key(Path(key).read_bytes())
    folders = {path.name: path for path in Path(folder).iterdir()}
    releases.make(TREE, folders, signer, Path(output), updates_from=updates_from)
    sys.stdout.write(f"{signing.fingerprint_of(signer.public_key())}\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (DomainError, OSError) as err:
        sys.exit(str(err))
