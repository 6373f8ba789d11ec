"""A worker that is asked to end."""

import subprocess

import pytest
from rq import Worker

from app.jobs.worker import OutboxWorker


def test_a_worker_whose_child_ended_just_now_ends_in_good_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    monkeypatch.setattr(Worker, "handle_warm_shutdown_request", lambda self: None)
    worker = object.__new__(OutboxWorker)
    worker._horse_pid = child.pid
    worker.handle_warm_shutdown_request()
