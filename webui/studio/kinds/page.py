from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from babel.support import LazyProxy
from pydantic import Field

from appliance.core.web import Schema

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork
    from appliance.domains.channels.schemas import ChannelOut
    from appliance.domains.channels.types import Kind


class ChannelForm(Schema):
    """What is asked of every channel. A kind's form adds fields: those named like one of its secrets are kept sealed, all others are
    its settings.
    """

    name: str = Field(min_length=1, max_length=120)
    agent_id: UUID | None = None
    external_id: str = Field("", max_length=120)
    active: bool = False
    per_second: float | None = Field(None, gt=0, le=1000)

    def pace_of(self, kind: Kind) -> float | None:
        """Messages a second; left empty, as many as are usual with this kind. None for one that keeps no such count."""
        return kind.per_second and (self.per_second or kind.per_second)

    def secrets_of(self, kind: Kind) -> dict[str, str]:
        return self.model_dump(include=set(kind.needs))

    def config_of(self, kind: Kind) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={*ChannelForm.model_fields, *kind.needs})

    @classmethod
    def shown(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """Settings as the fields show them."""
        return dict(config)


def _nothing(_box: Box, _channel: ChannelOut | None) -> dict[str, object]:
    return {}


def _no_panel(_uow: UnitOfWork, _channel: ChannelOut) -> dict[str, object]:
    return {}


@dataclass(frozen=True)
class KindPage:
    """One kind in the browser. Its fields are in the template studio/kinds/<name>.html; <name>_panel.html, where there is one, stands
    above the form of a channel that exists, and <name>_checkup.html tells what a test found.
    """

    name: str
    form: type[ChannelForm]
    title: LazyProxy | str = ""
    says: LazyProxy | str = ""  # in the chooser, in a sentence
    tests: LazyProxy | str = ""  # what the test of the connection does; empty where there is nothing to test
    made: LazyProxy | str = ""  # what to do next, once it is saved for the first time
    walled: LazyProxy | str = ""  # what stands still behind a wall, where that is not all
    around: Callable[[Box, ChannelOut | None], dict[str, object]] = _nothing  # what its templates need beside its fields
    panel: Callable[[UnitOfWork, ChannelOut], dict[str, object]] = _no_panel  # what its panel shows of what is kept
