"""How many threads of a process may wait for a chat model at once."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.places import Places
from appliance.inference.engines import Asked, ChatEngine
from appliance.inference.types import ChatHost, ChatResult, ModelInfo

FREE_AGAIN_S = 5.0


class Limited:
    """A chat engine with so many places. Whoever finds none is told so at once: waiting for one would hold a thread as well."""

    def __init__(self, engine: ChatEngine, places: int) -> None:
        self.name = engine.name
        self._engine = engine
        self._places = Places(places)

    def chat(self, asked: Asked) -> ChatResult:
        with self._place():
            return self._engine.chat(asked)

    def stream(self, asked: Asked) -> Generator[str | ChatResult]:
        with self._place(), closing(self._engine.stream(asked)) as pieces:
            yield from pieces

    def models(self) -> list[ModelInfo]:
        with self._place():
            return self._engine.models()

    def hosts(self) -> list[ChatHost]:
        return self._engine.hosts()

    @contextmanager
    def _place(self) -> Iterator[None]:
        give_back = self._places.take()
        if give_back is None:
            raise Unavailable(_("The models are busy; try again in a moment."), retry_after=FREE_AGAIN_S)
        try:
            yield
        finally:
            give_back()
