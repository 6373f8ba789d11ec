"""Files that are sent to us stay in memory: MAX_CONTENT_LENGTH is how large they may be."""

from io import BytesIO
from typing import IO, Any

from flask import Request


class InMemory(Request):
    """Werkzeug's puts what is larger than 500 kB into a temporary file."""

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        return BytesIO()
