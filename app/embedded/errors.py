"""What goes wrong with an embedded service."""


class EmbeddedServiceError(Exception):
    """PostgreSQL or Valkey cannot be used; the message says why, with the end of its log."""
