"""OSV's API as far as `run.py audit` asks it: querybatch in pages, and single advisories."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class OsvServer:
    """`known` maps a package's name to ids of advisories, `records` an id to its record. `broken`
    answers every batch without results."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []  # names of packages
        self.broken = False
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer({} if owner.broken else {"results": owner.batch(body["queries"])})

            def do_GET(self) -> None:
                self._answer(owner.records.get(self.path.rpartition("/")[2]))

            def _answer(self, body: dict[str, Any] | None) -> None:
                content = json.dumps(body or {}).encode()
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def batch(self, queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One advisory a page."""
        return [self._page(query) for query in queries]

    def _page(self, query: dict[str, Any]) -> dict[str, Any]:
        name, page = query["package"]["name"], int(query.get("page_token", 0))
        self.asked.append(name)
        ids = self.known.get(name, [])
        found: dict[str, Any] = {"vulns": [{"id": known} for known in ids[page : page + 1]]}
        return found | ({"next_page_token": str(page + 1)} if page + 1 < len(ids) else {})

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
