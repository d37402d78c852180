"""Runs in an interpreter that has sentence-transformers: embed the texts as its own pages show, print one JSON line."""

import json
import os
import sys
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from sentence_transformers import SentenceTransformer


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    model = SentenceTransformer(given["weights"], device="cpu")
    model.encode(given["texts"][:2])
    started, cpu = time.perf_counter(), time.process_time()
    model.encode(given["texts"])
    print(json.dumps({"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
