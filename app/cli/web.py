"""The web server: gunicorn with threads, since a turn of a call mostly waits for the model."""

import argparse
import gc
import os
import threading
import time
from logging import getLogger
from pathlib import Path
from typing import Any

import gunicorn.glogging
import gunicorn.http.wsgi
from flask import Flask
from gunicorn.app.base import BaseApplication

from app import breaker, create_app, logs, replica
from app.cli import needs
from app.extensions import db
from app.jobs import heartbeat
from app.metrics import keeping
from app.tracing import export
from config import Settings

log = getLogger(__name__)


class Log(gunicorn.glogging.Logger):
    """Hands its lines on to ours, which are JSON and masked, instead of writing them itself."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.flask: Flask | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self.settings).items():
            self.cfg.set(name, value)
        self.cfg.set("post_fork", self.after_fork)
        self.cfg.set("worker_exit", self.before_end)

    def load(self) -> Flask:
        """Once, before the fork: the workers share what it takes in memory."""
        self.flask = create_app(self.settings)
        gc.collect()
        gc.freeze()  # its marks would copy, process by process, what is shared
        return self.flask

    def after_fork(self, arbiter: Any, worker: Any) -> None:
        """A connection opened before the fork must not be used, nor closed, by both sides."""
        breaker.forget()
        if self.flask:
            with self.flask.app_context():
                for engine in filter(None, (db.engine, replica.engine())):
                    engine.dispose(close=False)
            threading.Thread(target=report, args=(self.flask,), daemon=True).start()

    def before_end(self, arbiter: Any, worker: Any) -> None:
        if self.flask:
            leave(self.flask)


def report(app: Flask) -> None:
    """For as long as a web process lives: its signs of life, and what it has counted."""
    while True:
        try:
            with app.app_context():
                heartbeat.beat(heartbeat.WEB)
                keeping.keep()
                export.send()
        except Exception:  # the edge: else this process would count as dead from now on
            log.exception("a web process could not report")
        time.sleep(keeping.EVERY)


def leave(app: Flask) -> None:
    """The last report of a process that ends as it should."""
    with app.app_context():
        keeping.keep()
        export.send()
        heartbeat.leave(heartbeat.WEB)


def options(settings: Settings) -> dict[str, Any]:
    shared_memory = Path("/dev/shm")
    usable = os.access(shared_memory, os.W_OK)
    return {
        "bind": f"{settings.listen_address}:{settings.port}",
        "workers": settings.web_workers,
        "threads": settings.web_threads,
        "worker_class": "gthread",
        "preload_app": True,
        "timeout": 30,
        "graceful_timeout": 20,
        "keepalive": 5,
        "backlog": 512,
        "max_requests": 0,
        "accesslog": None,
        "errorlog": "-",
        "logger_class": Log,
        "control_socket_disable": True,
        # the heartbeat of a worker must not wait for a slow disk
        "worker_tmp_dir": str(shared_memory) if usable else None,
    }


def main(argv: list[str], settings: Settings) -> int:
    argparse.ArgumentParser(prog="run.py web", description=__doc__).parse_args(argv)
    needs.database(settings)
    needs.replica(settings)
    logs.install()
    gunicorn.http.wsgi.SERVER = "web"  # the header cannot be switched off, only say nothing
    Server(settings).run()
    return 0
