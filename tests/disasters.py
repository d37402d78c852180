"""SIGKILL to everything a box is made of, in turn, while it works. What dies of itself is started again, as a supervisor does."""

import signal
import time
from contextlib import ExitStack
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import func, select

from appliance.core.box import Box
from appliance.core.config import Settings
from appliance.core.outbox import Delivery, DeliveryState
from tests.processes import FRESH, run
from tests.servers import redis_server

WORKER_EVERY = 40


class Victims:
    """Two workers, a relay and a Redis of their own, which must run before the box is opened."""

    def __init__(self, settings: Settings, manifests: str) -> None:
        """`manifests` names the module whose MANIFESTS the processes serve."""
        self._settings, self._manifests = settings, manifests
        self._running: list[tuple[str, BaseProcess]] = []
        self._redis = ExitStack()
        self.start_redis()

    def start_redis(self) -> None:
        self._redis.enter_context(redis_server(Path(self._settings.redis_server.url.removeprefix("unix://")).parent))

    def start(self) -> None:
        for role in ("worker", "worker", "relay"):
            self._begin(role)

    def strike(self, box: Box, step: int, *, of: int) -> None:
        """The next disaster, if one is due at this step: each has happened once after `of` of them, a worker's death more often."""
        if step % WORKER_EVERY == WORKER_EVERY // 2:
            self._kill("worker")
        if step == of * 3 // 8:
            self._kill("relay")
        if step == of // 2:
            self._redis.close()
        if step == of * 5 // 8:
            self.start_redis()
        if step == of * 5 // 6:
            box.redis.flushdb()

    def await_done(self, box: Box, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            self._tend()
            with box.whole_box("test", read_only=True) as uow:
                unfinished = Delivery.state.in_([DeliveryState.PENDING, DeliveryState.LEASED])
                left = uow.session.scalar(select(func.count(Delivery.id)).where(unfinished))
            if not left:
                return
            time.sleep(0.3)
        raise AssertionError(f"{left} deliveries are still open after {limit_s} s")

    def close(self) -> None:
        for _role, process in self._running:
            process.kill()
            process.join()
        self._redis.close()

    def _begin(self, role: str) -> None:
        settings = self._settings
        environ = {
            "SALESEDGE_HOME": settings.home,
            "SALESEDGE__REDIS__URL": settings.redis_server.url,
            "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file,
            "SALESEDGE__DATABASE__URL": settings.database.url,
            "SALESEDGE__CHANNELS__GRAPH_URL": settings.channels.graph_url,
            "SALESEDGE__NETWORK__PRIVATE_HOSTS": '["127.0.0.1"]',
        }
        process = FRESH.Process(target=run, args=(role, self._manifests, {name: str(value) for name, value in environ.items()}))
        process.start()
        self._running.append((role, process))

    def _kill(self, role: str) -> None:
        """The one that has run longest; another takes its place at once."""
        while (place := self._oldest(role)) is None:  # while Redis is away those begun anew end by themselves
            time.sleep(0.05)
        _role, process = self._running.pop(place)
        process.kill()
        process.join()
        self._begin(role)

    def _oldest(self, role: str) -> int | None:
        self._tend()
        return next((at for at, (its_role, process) in enumerate(self._running) if its_role == role and process.is_alive()), None)

    def _tend(self) -> None:
        for role, process in self._running[:]:
            if process.exitcode not in (None, -signal.SIGKILL):
                self._running.remove((role, process))
                self._begin(role)
