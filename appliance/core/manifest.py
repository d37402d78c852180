"""What a domain offers to the house: routes, reactions, timetable, permissions, checks, figures. Read by the entrypoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from appliance.core.metrics import Figures
from appliance.core.outbox import QueueName, event_name

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Select

    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork
    from appliance.core.web.api import Api


@dataclass(frozen=True)
class Subscription:
    """`atomic`: handler(uow, event), one transaction with its delivery. `staged`: handler(step, event), slow and fenced.

    `takes_in`: stores what came from outside, also of an organisation that is suspended; everything else of it waits.
    """

    event: type
    handler: Callable[[Any, Any], None]
    queue: QueueName = "default"
    mode: Literal["atomic", "staged"] = "atomic"
    delay: timedelta = timedelta(0)
    takes_in: bool = False

    @property
    def name(self) -> str:
        domain = self.handler.__module__.removeprefix("appliance.domains.").removeprefix("appliance.").split(".")[0]
        return f"{domain}.{self.handler.__name__}"


@dataclass(frozen=True)
class Cron:
    """Work by the clock. It runs in a worker, never twice at once; missed times are run once."""

    name: str
    run: Callable[[Box], None]
    every: timedelta
    queue: QueueName = "default"


@dataclass(frozen=True)
class CheckResult:
    """Without what is not `needed` the box runs, with less."""

    ok: bool
    detail: str
    fix: str = ""
    needed: bool = True


@dataclass(frozen=True)
class Check:
    """One line of `salesedge doctor` and of the health page. `required` ones decide readiness; `thorough` ones cost time."""

    name: str
    run: Callable[[Box], CheckResult]
    required: bool = False
    thorough: bool = False


@dataclass(frozen=True)
class Gauge:
    """Figures of the whole box on /metrics, read when they are asked for: values of `labels` -> number. Keep the query cheap.

    The name ends with its unit, as Prometheus has it (`…_seconds`, `…_timestamp_seconds`, `…_bytes`); it gets the box's prefix. A figure
    without labels has the value "". Never a label that people fill, or one for each organisation.
    """

    name: str
    text: str
    labels: tuple[str, ...]
    read: Callable[[UnitOfWork], Figures]


@dataclass(frozen=True)
class Manifest:
    name: str
    apis: tuple[Api, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    cron: tuple[Cron, ...] = ()
    permissions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # permission -> built-in roles that hold it
    live: Mapping[type, str] = field(default_factory=dict)  # event -> permission needed to see it pass
    checks: tuple[Check, ...] = ()
    metrics: tuple[Gauge, ...] = ()
    figures: tuple[Callable[[Box], bytes], ...] = ()  # of a process that measures itself, in Prometheus' text
    exporters: tuple[Callable[[UnitOfWork, UUID], Mapping[str, object]], ...] = ()  # contact id -> what is held
    erasers: tuple[Callable[[UnitOfWork, UUID], int], ...] = ()  # contact id -> rows erased
    clock_put_back: tuple[Callable[[UnitOfWork, timedelta], None], ...] = ()  # by so much, in the whole box: nothing waits longer for it
    suspended: Select[UUID] | None = None  # the organisations of which nothing leaves
    resuming: tuple[Callable[[UnitOfWork], None], ...] = ()  # in the transaction that ends it, before anything of that organisation goes on
    known: Mapping[str, Callable[[UnitOfWork, UUID], bool]] = field(default_factory=dict)  # what domains below point at -> is it here?


class Registry:
    """All manifests, indexed the ways the house asks."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self.manifests = tuple(manifests)
        self._check_names()
        self.subscriptions = {sub.name: sub for manifest in self.manifests for sub in manifest.subscriptions}
        self.live = {event_name(kind): permission for m in self.manifests for kind, permission in m.live.items()}
        self.cron = {f"{m.name}.{cron.name}": cron for m in self.manifests for cron in m.cron}
        self.exporters = tuple(exporter for manifest in self.manifests for exporter in manifest.exporters)
        self.erasers = tuple(eraser for manifest in self.manifests for eraser in manifest.erasers)
        self.checks = tuple(check for manifest in self.manifests for check in manifest.checks)
        self.metrics = tuple(gauge for manifest in self.manifests for gauge in manifest.metrics)
        self.figures = tuple(read for manifest in self.manifests for read in manifest.figures)
        self.clock_put_back = tuple(end for manifest in self.manifests for end in manifest.clock_put_back)
        self.suspended = next((manifest.suspended for manifest in self.manifests if manifest.suspended is not None), None)
        self.resuming = tuple(resume for manifest in self.manifests for resume in manifest.resuming)
        self.taking_in = frozenset(sub.name for sub in self.subscriptions.values() if sub.takes_in)
        self._known = {kind: exists for manifest in self.manifests for kind, exists in manifest.known.items()}
        self._by_event: dict[str, tuple[Subscription, ...]] = {}
        for sub in self.subscriptions.values():
            name = event_name(sub.event)
            self._by_event[name] = (*self._by_event.get(name, ()), sub)

    def _check_names(self) -> None:
        """Two of one name would silently be one."""
        subscriptions = [sub.name for manifest in self.manifests for sub in manifest.subscriptions]
        permissions = [permission for manifest in self.manifests for permission in manifest.permissions]
        timed = [f"{manifest.name}.{cron.name}" for manifest in self.manifests for cron in manifest.cron]
        for names in (subscriptions, permissions, timed):
            twice = {name for name in names if names.count(name) > 1}
            assert not twice, f"registered twice: {sorted(twice)}"

    def knows(self, uow: UnitOfWork, kind: str, row_id: UUID) -> bool:
        """Whether a row of a domain that the asking one must not import exists in this tenant."""
        return kind in self._known and self._known[kind](uow, row_id)

    def subscribers_of(self, name: str) -> tuple[Subscription, ...]:
        return self._by_event.get(name, ())

    def permissions_of(self, role: str) -> frozenset[str]:
        return frozenset(permission for m in self.manifests for permission, roles in m.permissions.items() if role in roles)

    def all_permissions(self) -> frozenset[str]:
        return frozenset(permission for manifest in self.manifests for permission in manifest.permissions)
