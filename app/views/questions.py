"""What REST is asked in `?q=`: read, and held against its schema by a validator made once.

Flask-AppBuilder's `rison` checks the schema itself with every request, which took almost half of a
list's time.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from flask import Response
from flask_appbuilder.api import rison, safe
from flask_appbuilder.security.decorators import protect
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for

Endpoint = Callable[..., Response]


def asked(endpoint: Endpoint, schema: dict[str, Any]) -> Endpoint:
    """This endpoint of Flask-AppBuilder's, with the same address, permission and description."""
    answer, validator = inspect.unwrap(endpoint), validator_for(schema)(schema)

    def checked(self: Any, *args: Any, **kwargs: Any) -> Response:
        error = best_match(validator.iter_errors(kwargs["rison"]))
        if error:
            message = str(error).partition("\n")[0]
            return self.response_400(message=f"Not a valid rison schema {message}")
        return answer(self, *args, **kwargs)

    named = functools.update_wrapper(checked, endpoint)
    return protect()(safe(rison()(named)))
