"""PostgreSQL and Valkey from wheels, for a machine that has neither."""

from app.embedded.errors import EmbeddedServiceError
from app.embedded.ports import free_port, is_taken
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey

__all__ = ["EmbeddedPostgres", "EmbeddedServiceError", "EmbeddedValkey", "free_port", "is_taken"]
