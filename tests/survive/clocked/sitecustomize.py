"""For processes under libfaketime, whose clock_nanosleep takes a moment of the steady clock for one of the wall clock (0.9.10)."""

import select
import time


def sleep(seconds: float, /) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        select.select([], [], [], left)


time.sleep = sleep
