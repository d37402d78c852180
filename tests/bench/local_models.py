"""The model server with its starter embedder, in a process of its own behind its socket, as on a box."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from appliance.core.config import ModelSettings
from appliance.inference import engines, wire
from appliance.inference.http import HttpInference
from tests.modelserver.running import Running

STARTER = Path(__file__).parents[2] / "models/starter"


@dataclass(frozen=True)
class Served:
    inference: HttpInference
    running: Running

    @property
    def memory_mb(self) -> float:
        with self.running.client() as client:
            return float(client.get("/v1/memory").json()["rss_bytes"]) / 1e6

    def processor_s(self) -> float:
        """Used so far by this process and by the model server."""
        assert self.running.process is not None
        fields = Path(f"/proc/{self.running.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return time.process_time() + sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served_models(*, threads: int = 2, kept: Path | None = None) -> Iterator[Served]:
    """`kept` holds the indexes of an earlier run."""
    with nullcontext(str(kept)) if kept else tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        running = Running(Path(folder), ("--threads", str(threads))).start()
        inference = HttpInference(ModelSettings(), wire.ModelServer(running.socket, timeout_s=300), engines.NoEngine())
        try:
            yield Served(inference, running)
        finally:
            inference.close()
            running.stop()
