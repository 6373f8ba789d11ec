"""Speaking to REST in tests: sign in once, name the tenant, read JSON."""

import re
from dataclasses import dataclass, field
from typing import Any

import prison
from flask.testing import FlaskClient

from tests.factories import PASSWORD


@dataclass
class Rest:
    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)

    def sign_in(self, username: str) -> "Rest":
        answer = self.client.post(
            "/api/v1/security/login",
            json={"username": username, "password": PASSWORD, "provider": "db", "refresh": True},
        )
        assert answer.status_code == 200, answer.text
        token = answer.get_json()["access_token"]
        return Rest(self.client, {"Authorization": f"Bearer {token}"})

    def acting_for(self, tenant_id: int) -> "Rest":
        return Rest(self.client, self.headers | {"X-Tenant": str(tenant_id)})

    def ask(self, method: str, path: str, **options: Any) -> Any:
        return self.client.open(f"/api/v1/{path}", method=method, headers=self.headers, **options)

    def rows(self, resource: str, **query: Any) -> list[dict[str, Any]]:
        answer = self.ask("GET", f"{resource}/", query_string={"q": prison.dumps(query)})
        assert answer.status_code == 200, answer.text
        return answer.get_json()["result"]

    def one(self, resource: str, pk: int) -> dict[str, Any]:
        answer = self.ask("GET", f"{resource}/{pk}")
        assert answer.status_code == 200, answer.text
        return answer.get_json()["result"]

    def add(self, resource: str, expect: int = 201, **values: Any) -> Any:
        answer = self.ask("POST", f"{resource}/", json=values)
        assert answer.status_code == expect, (answer.status_code, answer.text)
        return answer.get_json()

    def edit(self, resource: str, pk: int, expect: int = 200, **values: Any) -> Any:
        answer = self.ask("PUT", f"{resource}/{pk}", json=values)
        assert answer.status_code == expect, (answer.status_code, answer.text)
        return answer.get_json()

    def delete(self, resource: str, pk: int, expect: int = 200) -> None:
        answer = self.ask("DELETE", f"{resource}/{pk}")
        assert answer.status_code == expect, (answer.status_code, answer.text)


class Browser(FlaskClient):
    """Follows the forms' rules: each post carries the token of the page that it came from."""

    def post_form(self, path: str, *, page: str = "", **values: Any) -> Any:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page or path).text)
        assert found, path
        return self.post(path, data={"csrf_token": found.group(1)} | values)

    def act_as(self, tenant_id: int) -> None:
        assert self.post_form(f"/act-as/{tenant_id}", page="/act-as/").status_code == 302


def log_in(client: FlaskClient, username: str) -> Browser:
    browser = Browser(client.application, client.response_wrapper, use_cookies=True)
    answer = browser.post_form("/login/", username=username, password=PASSWORD)
    assert answer.status_code == 302, answer.text
    return browser
