"""Finding a port that nobody listens on."""

import socket

HOST = "127.0.0.1"


def free_port(preferred: int) -> int:
    """`preferred` if nobody has it, else (and for 0) any; the caller must expect to lose a race."""
    return preferred if preferred and not is_taken(preferred) else _any_port()


def is_taken(port: int) -> bool:
    """Connecting finds listeners on every address too, which macOS lets a second bind ignore."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
