"""`python -m tests.survive.files_dying TENANT USER`: processes killed while they store, use, let go of and destroy files."""

import io
import os
import signal
import sys
from uuid import UUID

from appliance.core import files
from appliance.core.blobs import PIECE
from appliance.core.box import open_box
from appliance.core.config import load_settings


def die(*_given, **_more):
    os.kill(os.getpid(), signal.SIGKILL)


class DiesWhenRead:
    def __init__(self):
        self.pieces = 2

    def read(self, _size, /):
        self.pieces -= 1
        return die() if self.pieces < 0 else bytes(PIECE)


def store(box, tenant_id, stream):
    files.put(box, tenant_id, stream, files.Origin.ARRIVED)


def before_the_bytes(box, tenant_id, _user):
    box.blobs.put = die
    store(box, tenant_id, io.BytesIO(b"x"))


def amid_the_bytes(box, tenant_id, _user):
    store(box, tenant_id, DiesWhenRead())


def behind_the_bytes(box, tenant_id, _user):
    as_it_is = box.blobs.put
    box.blobs.put = lambda *given, **more: die(as_it_is(*given, **more))
    store(box, tenant_id, io.BytesIO(b"x"))


def before_its_use(box, tenant_id, _user):
    store(box, tenant_id, io.BytesIO(b"x"))
    die()


def amid_its_use(box, tenant_id, user):
    ref = files.put(box, tenant_id, io.BytesIO(b"x"), files.Origin.ARRIVED)
    with box.unit(tenant_id) as uow:
        files.use(uow, user, [ref.id])
        die()


def amid_letting_go(box, tenant_id, user):
    with box.unit(tenant_id) as uow:
        files.let_go(uow, [user])
        die()


def before_the_row_goes(box, tenant_id, _user):
    ref = files.put(box, tenant_id, io.BytesIO(b"x"), files.Origin.ARRIVED)
    as_it_is = box.blobs.delete
    box.blobs.delete = lambda *given: die(as_it_is(*given))
    files.give_up(box, tenant_id, ref.id)


DEATHS = (before_the_bytes, amid_the_bytes, behind_the_bytes, before_its_use, amid_its_use, amid_letting_go, before_the_row_goes)


def in_a_process_of_its_own(work, *given):
    child = os.fork()
    if not child:
        work(open_box(load_settings(), ()), *given)
        os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, (work.__name__, status)


if __name__ == "__main__":
    for death in DEATHS:
        in_a_process_of_its_own(death, *map(UUID, sys.argv[1:]))
