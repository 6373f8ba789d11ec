"""deploy/nginx/receptionist.conf, in a real nginx on a port of this machine, without TLS."""

import re
from collections.abc import Iterable
from pathlib import Path
from shutil import which

from config import ROOT

PROGRAM = which("nginx") or which("nginx", path="/usr/sbin")
SITE = ROOT / "deploy" / "nginx" / "receptionist.conf"
FRAME = """\
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Missing(Exception):
    """There is no nginx; the message says what to install."""


def command(folder: Path, port: int, nodes: Iterable[int], read_timeout: str = "") -> list[str]:
    """Writes the configuration into `folder`, for web nodes on these ports; what starts it. What is
    marked CHANGE is changed, and nothing else. Raises Missing."""
    if PROGRAM is None:
        raise Missing("There is no nginx. Install it, on Debian: apt-get install nginx-light")
    text = SITE.read_text()
    for pattern, instead in (
        (
            r"server 127\.0\.0\.1:8080 ([^\n]*)",
            "\n".join(rf"server 127.0.0.1:{node} \1" for node in nodes),
        ),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        (r"ssl_certificate(_key)? [^\n]*", ""),
        (r"proxy_read_timeout 6s;", read_timeout or "proxy_read_timeout 6s;"),
    ):
        text, found = re.subn(pattern, instead, text)
        if not found:
            raise ValueError(f"{SITE.name} no longer holds {pattern}")
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(FRAME.format(folder=folder))
    return [PROGRAM, "-c", str(folder / "nginx.conf"), "-p", str(folder)]
