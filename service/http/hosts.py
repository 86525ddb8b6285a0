"""Allowed `Host` headers: protection from DNS rebinding.

There, a page of another site reads a server of the local network under the site's own name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from seqserve.errors import HostNotAllowed

_PORT = re.compile(rb":\d*$")
_OPEN_PATHS = frozenset({"/livez", "/readyz"})  # probes use the address of the container


class AllowedHosts:
    """Check the host that a request names.

    Args:
        hosts: Names without a port, such as `models.example.org`, `10.0.0.7` or `[::1]`; `*.example.org` is
            every name below that domain.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        names = [host.lower().encode() for host in hosts]
        self._names = frozenset(names)
        self._suffixes = tuple(name[1:] for name in names if name.startswith(b"*."))

    def check(self, path: str, host: bytes) -> None:
        """Refuse a request for another host.

        Args:
            path: The probes are allowed under every host.
            host: The value of the header; empty if there is none.

        Raises:
            HostNotAllowed: The host is not allowed.
        """
        if path in _OPEN_PATHS:
            return
        name = _PORT.sub(b"", host.lower()).removesuffix(b".")
        if name not in self._names and not name.endswith(self._suffixes):
            raise HostNotAllowed("The Host header names no host of SEQSERVE_ALLOWED_HOSTS.")
