"""Connections whose answers end in time, and that show nothing of them.

A socket's timeout counts anew for each read, so a server or a proxy that sends one byte now and then, in the head or in
the body, would hold a thread for ever. Here the timeout that a request starts with bounds its whole answer.

A head that is no head may be the beginning of a body: urllib3 would log it and go on. Here it is a broken answer.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import TYPE_CHECKING

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HeaderParsingError
from urllib3.util.response import assert_header_parsing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import WriteableBuffer

__all__ = ["POOLS", "Bounded"]


class _BoundedReader(io.RawIOBase):
    """Reads from a socket until the timeout that it had in the beginning is over."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        timeout = sock.gettimeout()
        self._ends_at = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        if self._ends_at is not None:
            left = self._ends_at - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer did not end in time")
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel=debuglevel, method=method, url=url)
        self.fp.close()
        self.fp = io.BufferedReader(_BoundedReader(sock))

    def begin(self) -> None:
        super().begin()
        if not _is_head(self.msg):
            raise http.client.HTTPException("the head of the answer is broken")


def _is_head(message: http.client.HTTPMessage) -> bool:
    """Whether all of *message* was read as headers, as urllib3 checks it before it logs what was not."""
    try:
        assert_header_parsing(message)
    except HeaderParsingError:
        return False
    return True


class Bounded:
    """Stands before a class of connections: see the module.

    ``http.client`` prints what is sent, credentials too, where an application turned its ``debuglevel`` on for all.
    """

    debuglevel: int = 0
    response_class: type[http.client.HTTPResponse] = _BoundedResponse


class _Connection(Bounded, HTTPConnection):
    pass


class _TLSConnection(Bounded, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


POOLS: Mapping[str, type[urllib3.HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}
"""The pools of such connections, for ``PoolManager.pool_classes_by_scheme``."""
