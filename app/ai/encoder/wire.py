"""What the web server and the encoder say to each other over a socket of this machine.

A request is a length (4 bytes, big-endian) and JSON: {"set", "words"} asks how alike the words are
to each text of a set; {"set", "texts"} gives the texts of a set; {"state"} asks whether there are
texts still to be learnt. An answer is one byte of the below, and after ALIKE a float32
(little-endian) for each text.
"""

import hashlib
import json
import os
import socket
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

ALIKE, UNKNOWN, TAKEN, REFUSED = b"v", b"u", b"t", b"r"
IDLE, LEARNING = b"i", b"l"
LARGEST = 16 * 1024 * 1024  # bytes of a request
_LONGEST_PATH = 100  # of a Unix socket: 104 with its end on macOS, 108 on Linux


class Broken(Exception):
    """The other side went away, is late, or says what makes no sense."""


def socket_of(data_dir: Path) -> Path:
    """In DATA_DIR; if that is too deep for a socket, in a folder of ours among the temporary
    ones, whose owner both sides check."""
    path = data_dir / "encoder.sock"
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"recep-{os.geteuid()}-{name}" / "encoder.sock"


def is_ours(folder: Path) -> bool:
    """Whether nobody else can have put a socket there."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not writable


def send(sock: socket.socket, request: dict[str, Any]) -> None:
    body = json.dumps(request).encode()
    sock.sendall(len(body).to_bytes(4, "big") + body)


def receive(sock: socket.socket) -> dict[str, Any]:
    """Raises Broken."""
    size = int.from_bytes(exactly(sock, 4), "big")
    if not 0 < size <= LARGEST:
        raise Broken(f"a request of {size} bytes")
    try:
        request = json.loads(exactly(sock, size))
    except ValueError as problem:
        raise Broken("a request that is not JSON") from problem
    if not isinstance(request, dict):
        raise Broken("a request that is no object")
    return request


def exactly(sock: socket.socket, size: int, until: float | None = None) -> bytes:
    """`until` is a monotonic time for all of it. Raises Broken."""
    found = bytearray()
    while len(found) < size:
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise Broken("late")
            sock.settimeout(left)
        try:
            more = sock.recv(min(size - len(found), 1 << 20))
        except OSError as problem:
            raise Broken(str(problem)) from problem
        if not more:
            raise Broken("closed")
        found += more
    return bytes(found)
