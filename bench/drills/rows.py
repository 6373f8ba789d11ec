"""What the product has kept since a drill began, read past its walls, as frozen rows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAILS = (
    "call_summary_mail", "lead_notification", "alert_mail", "forwarding_mail", "limit_mail",
)  # fmt: skip
UNDER_WAY = ("waiting", "running")
Query = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class KeptCall:
    id: int
    tenant_id: int
    call_sid: str
    state: str
    outcome: str | None
    duration: int | None
    tokens: int


@dataclass(frozen=True, slots=True)
class KeptLead:
    tenant_id: int
    call_id: int | None
    name: str
    phone: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class KeptJob:
    id: int
    tenant_id: int | None
    kind: str
    key: str
    call_id: int | None
    status: str
    attempts: int
    error: str
    result: dict[str, Any]

    @property
    def is_mail(self) -> bool:
        return self.kind in MAILS

    @property
    def message_id(self) -> str:
        return str(self.result.get("message_id", ""))


@dataclass(frozen=True, slots=True)
class KeptTransfer:
    tenant_id: int
    call_id: int
    numbers: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class Kept:
    """`spent` sums the ledger's rows by tenant and kind."""

    calls: tuple[KeptCall, ...] = ()
    leads: tuple[KeptLead, ...] = ()
    jobs: tuple[KeptJob, ...] = ()
    transfers: tuple[KeptTransfer, ...] = ()
    spent: tuple[tuple[int, str, int], ...] = ()

    def spent_on(self, *kinds: str) -> int:
        return sum(quantity for _, kind, quantity in self.spent if kind in kinds)


def since(query: Query, moment: datetime) -> Kept:
    """`moment` is of the database's clock. `query` runs one statement as superuser."""

    def of(row: type, columns: str, table: str, when: str = "created_at") -> tuple[Any, ...]:
        found = query(f"select {columns} from {table} where {when} >= %s order by id", moment)
        return tuple(row(*values) for values in found)

    return Kept(
        of(KeptCall, "id, tenant_id, call_sid, state, outcome, duration, tokens_in + tokens_out",
           "call_session"),
        of(KeptLead, "tenant_id, call_id, name, phone, confirmed", "lead"),
        of(KeptJob, "id, tenant_id, kind, key, call_id, status, attempts, last_error, result",
           "job"),
        tuple(
            KeptTransfer(tenant, call, tuple(numbers), status)
            for tenant, call, numbers, status in query(
                "select tenant_id, call_id, numbers, status from transfer_attempt"
                " where created_at >= %s order by id", moment)
        ),
        tuple(
            (tenant, kind, int(quantity)) for tenant, kind, quantity in query(
                "select tenant_id, kind, sum(quantity) from spend_ledger"
                " where created_at >= %s group by 1, 2", moment)
        ),
    )  # fmt: skip
