"""Connections to PostgreSQL that outlive the box that opened them, as one box keeps them from request to request.

With a new one for each test PostgreSQL learnt every table and planned every question anew.
"""

import contextlib
import os
import select
from collections import defaultdict
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

_waiting: dict[object, list["Kept"]] = defaultdict(list)


class Kept(psycopg.Connection[Any]):
    """Closing it puts it by, unless something is left open in it."""

    where: tuple[Any, ...] = ()

    def close(self) -> None:
        if self.where[:1] == (os.getpid(),) and self.info.transaction_status is TransactionStatus.IDLE:
            _waiting[self.where].append(self)
        else:
            super().close()


def dial(**how: Any) -> Kept:
    where = (os.getpid(), *sorted((name, value) for name, value in how.items() if name != "context"))
    with contextlib.suppress(IndexError):  # none is left, or another thread was quicker
        while found := _waiting[where].pop():
            if not select.select([found.fileno()], [], [], 0)[0]:  # the server has not hung up
                return found
            psycopg.Connection.close(found)
    made = Kept.connect(**how)
    made.where = where
    return made


def servers_ends() -> list[int]:
    """Their processes: nobody has one of these connections."""
    return [one.info.backend_pid for kept in _waiting.values() for one in kept]
