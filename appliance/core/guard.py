"""Refuses slow work while a transaction is open: it would hold locks that everybody else waits for."""

import threading

_open = threading.local()


class SlowWorkInTransaction(RuntimeError):
    """A model, network or file step was started inside a unit of work. Close the unit first."""


def entered_unit() -> None:
    _open.depth = depth() + 1


def left_unit() -> None:
    _open.depth = depth() - 1


def depth() -> int:
    return int(getattr(_open, "depth", 0))


def check_no_open_unit(what: str) -> None:
    if depth():
        raise SlowWorkInTransaction(f"{what} was called with a unit of work open")
