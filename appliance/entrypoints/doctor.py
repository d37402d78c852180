"""What this box needs and lacks, each with its fix: the machine first, then, where the box opens, everything inside."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from appliance.core import crypto, footing, machine, queue_server
from appliance.core.config import Settings
from appliance.core.i18n import lazy_gettext as _
from appliance.core.machine import Finding

_OPENS = {"key", "data"}


def examine(settings: Settings) -> list[Finding]:
    own = machine.look(settings)
    opens = all(finding.ok for finding in own if finding.name in _OPENS)
    return [*own, *_models(settings), *_sentinels(settings), *(_inside(settings) if opens else [])]


def _models(settings: Settings) -> list[Finding]:
    """Every file is hashed again: a disk that rots shows here first."""
    from appliance.core.outbound import Outbound
    from appliance.inference.catalog import Models
    from appliance.inference.download import Fetcher

    if not (settings.home / "models").is_dir():
        return []
    found = Models(settings.home / "models", Fetcher(lambda: Outbound(settings.network).client("models pull"))).verify("")
    wrong = [one for one in found if not one.ok]
    detail = ", ".join(f"{one.name}: {one.reason}" for one in wrong) or str(len(found))
    return [Finding("model files", not wrong, detail, _("Remove it and get it again: salesedge models remove NAME, then pull or import."))]


def _sentinels(settings: Settings) -> list[Finding]:
    """One that is silent is told; without a master nothing is answered."""
    named = settings.redis.sentinels
    if not named:
        return []
    seen = queue_server.ask_sentinels(settings.redis_server)
    if seen.master is None:
        return [Finding("sentinels", ok=False, detail=f"{seen.answering}/{len(named)}", fix=seen.fault)]
    fix = _("Start those that are silent, or correct redis.sentinels: without most of them nobody takes over from a Redis that dies.")
    detail = f"{seen.answering}/{len(named)}, {seen.master[0]}:{seen.master[1]}"
    return [Finding("sentinels", seen.answering == len(named), detail, fix, needed=False)]


def _inside(settings: Settings) -> list[Finding]:
    from appliance.core.web.health import run_checks
    from appliance.entrypoints.boot import boot

    try:
        box = boot("doctor", settings)
        results = {**run_checks(box), **{check.name: check.run(box) for check in footing.DEEP}}
        box.close()
    except crypto.KeyUnreadable as err:
        return [Finding("key", ok=False, detail=str(settings.keys.master_key_file), fix=str(err))]
    except SQLAlchemyError as err:
        return [Finding("box", ok=False, detail=type(err).__name__, fix=_("The database is down."))]
    return [Finding(name, result.ok, result.detail, result.fix, result.needed) for name, result in results.items()]
