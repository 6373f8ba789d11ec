"""A script's side of the product: its REST API under /api/v1, as integrations use it."""

from typing import Any

import requests

TIMEOUT = 30
PAGE = 100


class RestError(Exception):
    """The API refused, or did not answer (`status` 0). `permanent`: asking again will not help."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.permanent = 400 <= status < 500


class Rest:
    """One login, for one tenant or (a super admin without one) the platform. Not for two threads:
    `acting_for` gives another one."""

    def __init__(self, base_url: str, token: str = "", tenant_id: int | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.token = token
        self.session = requests.Session()
        self.session.trust_env = False
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        if tenant_id is not None:
            self.session.headers["X-Tenant"] = str(tenant_id)

    @classmethod
    def log_in(cls, base_url: str, username: str, password: str) -> "Rest":
        login = {"username": username, "password": password, "provider": "db"}
        token = cls(base_url).post("security/login", login).get("access_token", "")
        if not token:
            raise RestError("The login answered without an access token.")
        return cls(base_url, token)

    def acting_for(self, tenant_id: int) -> "Rest":
        return Rest(self.base_url, self.token, tenant_id)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, json=body)

    def create(self, resource: str, **fields: Any) -> int:
        return int(self.post(f"{resource}/", fields)["id"])

    def change(self, resource: str, pk: int, **fields: Any) -> None:
        self._ask("PUT", f"{resource}/{pk}", json=fields)

    def find(self, resource: str, **equal: str | int) -> list[dict[str, Any]]:
        """Every row whose columns equal these, oldest first."""
        wanted = ",".join(f"(col:{c},opr:eq,value:{_rison(v)})" for c, v in equal.items())
        rows: list[dict[str, Any]] = []
        for page in range(1_000):
            query = f"(filters:!({wanted}),page:{page},page_size:{PAGE})"
            found = self._ask("GET", f"{resource}/", params={"q": query})["result"]
            rows += found
            if len(found) < PAGE:
                break
        return sorted(rows, key=lambda row: row["id"])

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        url = f"{self.base_url}/api/v1/{path}"
        try:
            response = self.session.request(
                method, url, timeout=TIMEOUT, allow_redirects=False, **more
            )
        except requests.RequestException as error:
            raise RestError(f"{self.base_url} does not answer; is the product running?") from error
        if response.status_code >= 300:
            said = " ".join(response.text.split())[:300]
            raise RestError(
                f"{method} {path}: HTTP {response.status_code} {said}", response.status_code
            )
        try:
            answer = response.json()
        except requests.JSONDecodeError as error:
            raise RestError(f"{method} {path}: the answer is not JSON.") from error
        if not isinstance(answer, dict):
            raise RestError(f"{method} {path}: the answer is not an object.")
        return answer


def _rison(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("!", "!!").replace("'", "!'") + "'"
