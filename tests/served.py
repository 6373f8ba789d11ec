"""An application that is served where its settings say: for what calls its own web server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import make_server

HOST = "127.0.0.1"


def listening() -> socket.socket:
    """A port of its own, kept by this process: applications that name it are built once."""
    made = socket.create_server((HOST, 0))
    made.set_inheritable(False)
    return made


@contextmanager
def serving(app: Flask, at: socket.socket) -> Iterator[str]:
    """The address of an application whose PORT is this one's."""
    port = at.getsockname()[1]
    server = make_server(HOST, port, app, threaded=True, fd=at.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://{HOST}:{port}"
    server.shutdown()
    thread.join()
    server.server_close()
