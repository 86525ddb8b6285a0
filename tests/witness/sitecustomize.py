"""Record outbound calls of every Python process that has this directory on its path.

A line for the process, and one for every address that it connects to, sends to or looks up, goes to the
file $SOCKETS_SEEN. Calls that uvloop makes itself are not recorded.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_ADDRESS_AT = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
_file = os.open(os.environ["SOCKETS_SEEN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def _note(event: str, args: tuple[Any, ...]) -> None:
    if event in _ADDRESS_AT:
        os.write(_file, f"{event} {args[_ADDRESS_AT[event]]!r}\n".encode())


os.write(_file, f"process {os.getpid()}\n".encode())
sys.addaudithook(_note)
