"""A TCP proxy that does to a connection whatever networks do: for tests of what happens then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Fault = Literal["none", "slow", "reset", "half_open", "refuse", "cut", "garble"]
"""What is done to a connection.

`slow`: every piece waits `delay` seconds. `reset`: it is broken off as soon as something was sent. `half_open`: what is
sent arrives nowhere, and nobody says so. `refuse`: it is closed at once. `cut`: what is asked arrives, and the answer is
broken off after `after` bytes. `garble`: the answer arrives with its bytes changed.
"""
CHUNK = 16_384


class FaultProxy:
    """Stands between a client and a server on loopback. Set `fault` at any time; it holds for what is sent from then on."""

    def __init__(self, host: str, port: int) -> None:
        """Forward to a server."""
        self._target = host, port
        self._fault: Fault = "none"
        self._set = asyncio.Event()
        self.delay = 0.5
        self.after = 20
        self.port = 0
        self.connections = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Future[None]] = set()

    @property
    def fault(self) -> Fault:
        """What is done to connections now."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        """Do something else from now on."""
        self._fault = fault
        self._set.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection."""
        serving = asyncio.ensure_future(self._forward(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        await serving

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            if self.fault == "refuse":
                raise ConnectionRefusedError
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            self._close(writer)
            return
        self._open.add(far_writer)
        there = self._carry(reader, far_writer, answer=False)
        back = self._carry(far_reader, writer, answer=True)
        await asyncio.gather(there, back, return_exceptions=True)
        self._close(writer)
        self._close(far_writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answer: bool) -> None:
        carried = 0
        while piece := await reader.read(CHUNK):
            fault = self.fault
            while self.fault == "half_open":
                self._set.clear()
                await self._set.wait()
            if fault == "slow":
                await asyncio.sleep(self.delay)
            if fault == "reset" or (fault == "cut" and answer and carried + len(piece) > self.after):
                writer.write(piece[: self.after - carried] if fault == "cut" else b"")
                self.break_off()
                return
            if fault == "garble" and answer:
                piece = bytes(byte ^ 0x15 for byte in piece)
            writer.write(piece)
            carried += len(piece)
            await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()

    def break_off(self) -> None:
        """Reset every connection that is open."""
        for writer in tuple(self._open):
            writer.transport.abort()
        self._open.clear()

    async def stop(self) -> None:
        """Break everything off and wait until it is."""
        self.fault = "none"  # nothing is held back any more
        self.break_off()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _close(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.close()


@asynccontextmanager
async def fault_proxy(host: str, port: int) -> AsyncIterator[FaultProxy]:
    """Run a proxy before a server; its own port is in `port`."""
    proxy = FaultProxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
