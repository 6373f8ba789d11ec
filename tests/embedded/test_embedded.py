"""The embedded servers, really started: restarts, crashes, strangers on their ports."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.embedded import (
    EmbeddedPostgres,
    EmbeddedServiceError,
    EmbeddedValkey,
    free_port,
    is_taken,
    process,
)
from config import ROOT


def ask(postgres: EmbeddedPostgres, statement: str) -> object:
    connection = psycopg2.connect(postgres.admin_url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None
    finally:
        connection.close()


def client(valkey: EmbeddedValkey) -> "redis.Redis":
    return redis.Redis.from_url(valkey.url, decode_responses=True)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not tmp_path: root's is closed to others, so the data would be kept elsewhere."""
    with tempfile.TemporaryDirectory(prefix="recep-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def stranger() -> Iterator[int]:
    """A port with a listener that is not ours."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_rows_are_there_after_a_restart(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as postgres:
        ask(postgres, "create table kept as select 7 as x")
    with EmbeddedPostgres(data_dir) as postgres:
        assert ask(postgres, "select x from kept") == 7
        assert ask(postgres, "select current_user") == "recep_admin"
        assert ask(postgres, "show max_connections") == "200"
    assert is_taken(postgres.port) is False


def test_committed_rows_survive_the_server_being_killed(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as postgres:
        ask(postgres, "create table kept as select 7 as x")
        assert postgres.process_id
        os.kill(postgres.process_id, signal.SIGKILL)
    with EmbeddedPostgres(data_dir) as postgres:
        assert ask(postgres, "select x from kept") == 7


def test_a_server_that_died_is_revived_where_everybody_knows_it(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as postgres, EmbeddedValkey(data_dir) as valkey:
        ask(postgres, "create table kept as select 7 as x")
        known = postgres.admin_url, valkey.url
        for service in (postgres, valkey):
            assert service.process_id
            os.kill(service.process_id, signal.SIGKILL)
            os.waitid(os.P_PID, service.process_id, os.WEXITED | os.WNOWAIT)
            with pytest.raises(EmbeddedServiceError):
                service.check()
            service.revive()
            service.check()
        assert (postgres.admin_url, valkey.url) == known
        assert ask(postgres, "select x from kept") == 7
        with client(valkey) as connection:
            assert connection.ping()


def test_jobs_survive_the_server_being_killed(data_dir: Path) -> None:
    with EmbeddedValkey(data_dir) as valkey, client(valkey) as connection:
        connection.rpush("jobs", "one")
        connection.execute_command("WAITAOF", 1, 0, 5000)
        assert valkey.process_id
        os.kill(valkey.process_id, signal.SIGKILL)
    with EmbeddedValkey(data_dir) as valkey, client(valkey) as connection:
        assert connection.lrange("jobs", 0, -1) == ["one"]


SUPERVISOR = """
import sys, time
from pathlib import Path
from app.embedded import EmbeddedPostgres, EmbeddedValkey
postgres, valkey = EmbeddedPostgres(Path(sys.argv[1])), EmbeddedValkey(Path(sys.argv[1]))
postgres.start()
valkey.start()
print(postgres.process_id, valkey.process_id, flush=True)
time.sleep(60)
"""


def test_nothing_stays_behind_when_the_supervisor_is_killed(data_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(data_dir)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout
        servers = [int(number) for number in supervisor.stdout.readline().split()]
        supervisor.kill()
    if sys.platform == "linux":
        assert len(servers) == 2
        for server in servers:
            wait_until_gone(server)
    with EmbeddedPostgres(data_dir) as postgres, EmbeddedValkey(data_dir) as valkey:
        assert ask(postgres, "select 1") == 1
        assert client(valkey).ping()


def wait_until_gone(process_id: int) -> None:
    for _ in range(600):
        if not running(process_id):
            return
        time.sleep(0.05)
    pytest.fail(f"process {process_id} is still there")


def running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_second_run_does_not_touch_the_data_of_the_first(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as postgres, EmbeddedValkey(data_dir) as valkey:
        for second in (EmbeddedPostgres(data_dir), EmbeddedValkey(data_dir)):
            with pytest.raises(EmbeddedServiceError, match="Another run"):
                second.start()
        assert ask(postgres, "select 1") == 1
        assert client(valkey).ping()


def test_a_taken_port_is_not_used(stranger: int) -> None:
    assert is_taken(stranger)
    assert free_port(stranger) != stranger


@pytest.mark.parametrize("service", [EmbeddedPostgres, EmbeddedValkey])
def test_a_port_lost_to_a_stranger_while_starting_is_given_up(
    data_dir: Path, stranger: int, service: type[EmbeddedPostgres] | type[EmbeddedValkey]
) -> None:
    with service(data_dir) as mine:
        assert mine._process
        process.end(mine._process, signal.SIGINT, patience=20)
        mine._spawn(stranger)
        mine.wait_ready()
        assert mine.port != stranger


def test_nobody_gets_in_without_the_password(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as postgres, EmbeddedValkey(data_dir) as valkey:
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(re.sub(":[^:@]*@", ":wrong@", postgres.admin_url))
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)).ping()
        for password in data_dir.glob("*_password"):
            assert stat.S_IMODE(password.stat().st_mode) == 0o600
            assert password.read_text() not in command_lines()


def command_lines() -> str:
    return subprocess.run(["ps", "-A", "-o", "args"], text=True, capture_output=True).stdout


def test_a_cluster_left_half_made_is_made_anew(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    with postgres:
        folder = Path(str(ask(postgres, "show data_directory")))
    folder.rename(folder.with_name("unfinished"))
    with postgres:
        assert ask(postgres, "select 1") == 1


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    with postgres:
        folder = Path(str(ask(postgres, "show data_directory")))
    with (folder / "postgresql.conf").open("a") as file:
        file.write("nonsense = yes\n")
    with pytest.raises(EmbeddedServiceError, match="nonsense"):
        postgres.start()


def test_short_lived_data_is_gone_afterwards(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, durable=False) as postgres:
        folder = Path(str(ask(postgres, "show data_directory")))
        assert ask(postgres, "show fsync") == "off"
    assert not folder.exists()
    assert not folder.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user needs no other place")
def test_root_keeps_data_outside_a_folder_that_others_cannot_enter(data_dir: Path) -> None:
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "data", durable=False) as postgres:
        folder = Path(str(ask(postgres, "show data_directory")))
        assert not folder.is_relative_to(closed)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not folder.parent.parent.exists()
