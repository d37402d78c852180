"""Runs in an environment of its own that has txtai: index the texts, answer the questions, print one JSON line.

Given a folder of weights it does what txtai's pages show first: `Embeddings(path=..., hybrid=True, content=True)`, so that a hit
carries its text, as ours do. Given our ONNX file it embeds with that, through txtai's door for outside vectors.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer
from txtai import Embeddings


def embedder(folder: Path):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    names = {one.name for one in session.get_inputs()}

    def transform(texts):
        rows = []
        for start in range(0, len(texts), 16):
            coded = tokenizer.encode_batch([str(text) for text in texts[start:start + 16]])
            ids = np.array([one.ids for one in coded], np.int64)
            mask = np.array([one.attention_mask for one in coded], np.int64)
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            hidden = session.run(None, {name: given[name] for name in names})[0]
            mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
            rows.append(mean / np.linalg.norm(mean, axis=1, keepdims=True))
        return np.vstack(rows).astype(np.float32)

    return transform


def opened(given) -> Embeddings:
    if given["weights"]:
        return Embeddings(path=given["weights"], hybrid=True, content=True)
    return Embeddings(method="external", transform=embedder(Path(given["model"])), hybrid=True, content=True)


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    index = opened(given)
    index.index([(place, text, None) for place, text in enumerate(given["texts"])])
    index.search(given["questions"][0], given["k"])
    found, times, spent = [], [], time.process_time()
    for question in given["questions"]:
        started = time.perf_counter()
        hits = index.search(question, given["k"])
        times.append((time.perf_counter() - started) * 1000)
        found.append([int(hit["id"]) for hit in hits])
        assert [hit["text"] for hit in hits] == [given["texts"][place] for place in found[-1]]
    print(json.dumps({"found": found, "ms": times, "processor_ms": (time.process_time() - spent) * 1000}))


if __name__ == "__main__":
    main()
