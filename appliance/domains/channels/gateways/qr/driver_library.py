"""neonize, loaded without what the child never uses: link previews, HTTP clients, libmagic of the system, and the code that would
download a library of another version. 20 MB less for each number, and nothing is ever fetched.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

UNUSED = {"magic": (), "linkpreview": ("link_preview",), "requests": (), "httpx": (), "tqdm": ("tqdm",)}


@contextmanager
def _left_out() -> Iterator[None]:
    """Empty modules stand in during the import, and only then: nobody else in the process sees them."""
    real = {name: sys.modules.get(name) for name in UNUSED}
    for name, members in UNUSED.items():
        sys.modules[name] = empty = ModuleType(name)
        for member in members:
            setattr(empty, member, None)
    try:
        yield
    finally:
        for name, module in real.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


with _left_out():
    import neonize
    from neonize import client, events
    from neonize.proto import Neonize_pb2 as wa
    from neonize.proto.waCommon import WACommon_pb2 as common
    from neonize.proto.waCompanionReg import WAWebProtobufsCompanionReg_pb2 as registration
    from neonize.proto.waE2E import WAWebProtobufsE2E_pb2 as e2e
    from neonize.utils import enum, jid

VERSION = str(neonize.__version__)
ProxySettings = client.ProxySettings
NeonizeError = client.NeonizeError

__all__ = ["VERSION", "NeonizeError", "ProxySettings", "client", "common", "e2e", "enum", "events", "jid", "registration", "wa"]
