"""`salesedge files`: where the files of people lie. Exit codes: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import click

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.terminal import Failed, Group, answer, json_option, option, read_settings

files = Group("files", help=lazy_gettext("Where the files of people lie: in the data folder, or in a bucket."))
BUCKET, FOLDER = "bucket", "folder"


@files.command(
    help=lazy_gettext("Copy all files from the data folder to the bucket of [files], or back. The box must not run; nothing is deleted."),
)
@option("--to", "place", required=True, type=click.Choice([BUCKET, FOLDER]), help=lazy_gettext("Where they are copied to."))
@json_option
def copy(place: str, *, as_json: bool) -> None:
    import fcntl

    from appliance.core import telemetry
    from appliance.core.buckets import BucketStore, store_of
    from appliance.core.errors import DomainError
    from appliance.entrypoints import up

    settings = read_settings()
    telemetry.configure_logs(settings.logs, "cli")  # each call is logged: not between what programs read
    try:
        up.make_folders(settings)
        with up.take_lock(settings, fcntl.LOCK_EX):
            store = store_of(settings)
            if not isinstance(store, BucketStore):
                raise Failed(_("No bucket is named in the configuration, under [files]."))
            number = store.take_in() if place == BUCKET else sum(1 for _one in store.gather().glob("*/*/*"))
    except (up.CannotStart, DomainError) as err:
        raise Failed(str(err)) from err
    sentence = _("Copied to the bucket: %(number)s.", number=number) if place == BUCKET else _told(str(store.copy), number)
    answer({"to": place, "files": number}, as_json=as_json, sentence=sentence)


def _told(folder: str, number: int) -> str:
    return _("In %(path)s now: %(number)s. Take [files] out of the configuration before the box starts.", number=number, path=folder)
