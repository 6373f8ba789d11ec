"""deploy/compose/: what the file starts exists and is shut in, its secrets fit together, and the
image holds all that the product needs. Docker itself is not run here: docs/operations.md says what
was tried with it."""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

import run
from app.cli import migrate, web
from bench.drills.nginx import SITE
from config import ROOT, Settings, read_env_file

FOLDER = ROOT / "deploy" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"] == "receptionist"}
DOCKERFILE = (FOLDER / "Dockerfile").read_text().replace("\\\n", "")
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
IMPORTS = """
import importlib, run
for name in {commands}:
    importlib.import_module("app.cli." + name)
from app.cli import migrate
print(migrate.head(), migrate.digest())
"""


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_every_part_runs_and_in_the_right_order() -> None:
    commands = {name: one["command"] for name, one in OURS.items()}
    assert all(len(words) == 1 and words[0] in run.COMMANDS for words in commands.values())
    started = sorted(words[0] for words in commands.values())
    assert started == ["encoder", "migrate", "scheduler", "web", "web", "worker"]
    for name, one in SERVICES.items():
        for needed, how in one.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS, name
            if how["condition"] == "service_healthy":
                of_image = SERVICES[needed]["image"] == "receptionist"
                assert of_image or "test" in SERVICES[needed]["healthcheck"], needed
    done = "service_completed_successfully"
    for name in OURS.keys() - {"migrate"}:
        assert OURS[name]["depends_on"]["migrate"]["condition"] == done
    assert OURS["migrate"]["restart"] == "no"


def test_what_runs_is_shut_in_and_only_nginx_is_reached() -> None:
    for name, one in OURS.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert ("admin.env" in one["env_file"]) is (name == "migrate"), name
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["nginx"]
    assert COMPOSE["networks"]["databases"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert SERVICES[name]["networks"] == ["databases"]
    for one in SERVICES.values():
        assert one["image"] == "receptionist" or re.search(r":[0-9.]+-bookworm$", one["image"])
    assert re.search(r"^ARG BASE=python:[0-9.]+-slim-bookworm$", DOCKERFILE, re.M)
    users = re.findall(r"^USER (.+)$", DOCKERFILE, re.M)
    assert users == ["10001:10001"]


def test_a_web_node_is_given_the_time_that_it_gives_its_requests(tmp_path: Path) -> None:
    options = web.options(Settings.load({"DATA_DIR": str(tmp_path)}))
    for name in ("web1", "web2"):
        assert seconds(SERVICES[name]["stop_grace_period"]) > options["graceful_timeout"]


def make_env(folder: Path) -> "subprocess.CompletedProcess[str]":
    script = [sys.executable, str(FOLDER / "make_env.py"), "reception.example.com"]
    return subprocess.run([*script, "--folder", str(folder)], text=True, capture_output=True)


def test_the_secrets_are_made_once_and_fit_together(tmp_path: Path) -> None:
    assert make_env(tmp_path).returncode == 0
    made = {name: tmp_path / f"{name}.env" for name in ("receptionist", "admin")}
    texts = {name: path.read_text() for name, path in made.items()}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in made.values())
    product, admin = read_env_file(made["receptionist"]), read_env_file(made["admin"])
    (image,) = re.findall(r"^ENV (.+)$", DOCKERFILE, re.M)
    given = dict(word.split("=", 1) for word in image.split()) | {"DATA_DIR": str(tmp_path)}
    settings = Settings.load(given | product)
    assert settings.is_production
    assert settings.listen_address == "0.0.0.0"
    assert set(product) <= {name.upper() for name in Settings.__dataclass_fields__}
    assert product["REDIS_URL"] == f"redis://:{admin['VALKEY_PASSWORD']}@valkey:6379/0"
    as_admin = f"postgresql://postgres:{admin['POSTGRES_PASSWORD']}@postgres:5432/postgres"
    assert admin["DATABASE_ADMIN_URL"] == as_admin
    assert not any(name in texts["receptionist"] for name in ("POSTGRES", "ADMIN_URL"))

    again = make_env(tmp_path)
    assert (again.returncode, "nothing was changed" in again.stdout) == (1, True)
    assert {name: path.read_text() for name, path in made.items()} == texts


def test_nginx_gets_both_nodes_and_the_installations_name(tmp_path: Path) -> None:
    """What its service does before it starts nginx, by the same shell."""
    for path in SITE.parent.glob("*.conf"):
        shutil.copy(path, tmp_path)
    (tmp_path / "made").mkdir()
    script = SERVICES["nginx"]["command"][2].replace("$$", "$").partition("exec nginx")[0]
    script = script.replace("/receptionist/", f"{tmp_path}/")
    script = script.replace("/etc/nginx/conf.d/", f"{tmp_path}/made/")
    environment = {"PUBLIC_BASE_URL": "https://calls.example.org", "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", "-euc", script], env=environment, check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "made").iterdir()}
    assert set(made) == {"receptionist.conf", "receptionist-http.conf"}
    assert not any("reception.example.com" in text for text in made.values())
    nodes = re.findall(r"^    server (\S+) max_fails", made["receptionist.conf"], re.M)
    assert nodes == ["web1:8080", "web2:8080"]
    assert "live/calls.example.org/fullchain.pem" in made["receptionist.conf"]


def test_the_image_holds_all_that_the_product_needs(tmp_path: Path) -> None:
    copied = re.findall(
        r"^COPY (?!--from)(.+) (\S+)$", DOCKERFILE.partition("\nFROM ${BASE}\n")[2], re.M
    )
    let_in = set(re.findall(r"^!(.+)$", (FOLDER / "Dockerfile.dockerignore").read_text(), re.M))
    for sources, place in copied:
        for source in sources.split():
            assert source in let_in
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, tmp_path / place)
            else:
                shutil.copy(ROOT / source, tmp_path / source)
    commands = sorted({one["command"][0] for one in OURS.values()})
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(commands=commands)], cwd=tmp_path, text=True,
        capture_output=True, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [migrate.head(), migrate.digest()]
