"""`salesedge bench` and `salesedge models bench`: what this machine gives the box, and how fast models run on it."""

from __future__ import annotations

import json
import math
import time
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from appliance.core.errors import DomainError, Unavailable
from appliance.core.i18n import current_locale, lazy_gettext, reason_of
from appliance.core.i18n import gettext as _
from appliance.entrypoints.cli_models import models
from appliance.entrypoints.terminal import Command, Failed, json_option, opened_box, read_settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from appliance.core.bench import Timings
    from appliance.core.box import Box
    from appliance.core.config import Settings
    from appliance.inference.bench import Measured

    Row = tuple[str, dict[str, Any], str]  # its name, its figures for programs, its sentence

MODELS_WITHIN_S = 40.0  # of the minute that the whole takes
WORDS = {
    "first_token_ms": lazy_gettext("%(n)s ms to the first token"),
    "prompt_tokens_per_s": lazy_gettext("reads %(n)s tokens per second"),
    "tokens_per_s": lazy_gettext("writes %(n)s tokens per second"),
    "passages_per_s": lazy_gettext("%(n)s passages of 100 words per second"),
    "question_ms": lazy_gettext("%(n)s ms for a question"),
    "pairs_per_s": lazy_gettext("compares %(n)s passages of 100 words with a question per second"),
}


@models.command("bench", help=lazy_gettext("Measure how fast models run on this box. Without names, those that it uses."))
@click.argument("names", nargs=-1, metavar=lazy_gettext("[NAME]..."))
@json_option
def models_bench(names: tuple[str, ...], *, as_json: bool) -> None:
    from appliance.core import telemetry

    settings, found = read_settings(), []
    telemetry.configure_logs(settings.logs, "cli")  # an engine elsewhere is an outbound call, which is logged: not between the figures
    for one in _measured(settings, names):
        found.append(_told(one))
        if not as_json:
            click.echo(_line(one))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    if any("reason" in one for one in found):
        raise click.exceptions.Exit(1)


@click.command(cls=Command, help=lazy_gettext("Measure this machine as the box uses it: disk, database, Redis, processor, models."))
@json_option
def bench(*, as_json: bool) -> None:
    report: dict[str, Any] = {"models": []}
    with opened_box() as box:
        for name, told, sentence in chain(_machine(box), _models(box.settings)):
            report[name] = [*report["models"], told] if name == "models" else told
            if not as_json:
                click.echo(sentence)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    if any("reason" in told for told in (*report["models"], report["redis"])):
        raise click.exceptions.Exit(1)


def _machine(box: Box) -> Iterator[Row]:
    from redis import RedisError

    from appliance.core import bench as machine

    home, kind = box.settings.home, "PostgreSQL" if box.database.is_postgresql else "SQLite"
    try:
        writes = machine.durable_writes(home)
    except OSError as err:
        raise Failed(f"{home}: {reason_of(err)}") from err
    disk = _("Disk: %(n)s durable writes of 4 KiB per second; half within %(p50)s ms, 95 of 100 within %(p95)s ms.", **_figures(writes))
    yield "disk", {"durable_writes_per_s": writes.per_s, **_spread(writes)}, disk
    units = machine.transactions(box)
    database = _("Database (%(kind)s): %(n)s transactions per second; half within %(p50)s ms, 95 of 100 within %(p95)s ms.",
                 kind=kind, **_figures(units))  # fmt: skip
    yield "database", {"kind": kind, "transactions_per_s": units.per_s, **_spread(units)}, database
    try:
        trips = machine.round_trips(box.redis)
        redis = _("Redis: half of the round trips within %(p50)s ms, 95 of 100 within %(p95)s ms.", **_figures(trips))
        yield "redis", _spread(trips), redis
    except RedisError:
        reason = _("Redis does not answer.")
        yield "redis", {"reason": reason}, reason
    cores, steps = machine.cores(), machine.python_steps_per_s()
    millions = _number(steps / 1e6)
    processor = _("Processor (cores: %(cores)s): %(n)s million steps of a Python loop per second on one.", cores=cores, n=millions)
    yield "processor", {"cores": cores, "python_steps_per_s": steps}, processor


def _models(settings: Settings) -> Iterator[Row]:
    try:
        for one in _measured(settings, (), within_s=MODELS_WITHIN_S):
            yield "models", _told(one), _line(one)
    except Failed as err:
        yield "models", {"reason": err.message}, err.message


def _measured(settings: Settings, names: Collection[str], *, within_s: float = math.inf) -> Iterator[Measured]:
    """Raises Failed where the models are away, or there is none of a name."""
    from appliance.inference.bench import Bench, Measured

    ends = time.monotonic() + within_s
    with closing(Bench(settings)) as measuring:
        try:
            chosen = measuring.models(names)
        except Unavailable as err:
            raise Failed(_("The box has to run while its models are measured. %(reason)s", reason=err)) from err
        except DomainError as err:
            raise Failed(str(err)) from err
        for model in chosen:
            if time.monotonic() < ends:
                yield measuring.measure(model)
            else:
                late = _("The minute is over; measure it with `salesedge models bench %(name)s`.", name=model.name)
                yield Measured(model.name, model.task, reason=late)


def _told(one: Measured) -> dict[str, object]:
    return {"name": one.name, "task": one.task, **(one.figures or {"reason": one.reason})}


def _line(one: Measured) -> str:
    said = [WORDS[name] % {"n": _number(value)} for name, value in one.figures.items()]
    return f"{one.task:13} {one.name:38} {', '.join(said) or one.reason}"


def _spread(timings: Timings) -> dict[str, float]:
    return {"p50_ms": timings.ms(0.5), "p95_ms": timings.ms(0.95)}


def _figures(timings: Timings) -> dict[str, str]:
    return {"n": _number(timings.per_s), "p50": _number(timings.ms(0.5)), "p95": _number(timings.ms(0.95))}


def _number(value: float) -> str:
    from babel import numbers

    return str(numbers.format_decimal(float(f"{value:.3g}"), locale=current_locale()))
