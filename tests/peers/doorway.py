"""Lets what stands on one address be reached on another: python -m tests.peers.doorway LISTEN TARGET, each host:port or a path."""

import asyncio
import contextlib
import sys

from tests.loops import run_async


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


async def _open(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.startswith("/"):
        return await asyncio.open_unix_connection(address)
    host, _colon, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def _serve(listen: str, target: str) -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await _open(target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))

    if listen.startswith("/"):
        server = await asyncio.start_unix_server(meet, listen)
    else:
        host, _colon, port = listen.rpartition(":")
        server = await asyncio.start_server(meet, host, int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    run_async(_serve(*sys.argv[1:]))
