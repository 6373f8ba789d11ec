"""Says in OpenAPI what REST really answers, where Flask-AppBuilder's description is wrong."""

from typing import Any

from apispec import APISpec

JSON = "application/json"
AWAY = "503"  # of few, which say so themselves
REFUSALS = {
    "400": "Cannot be read",
    "401": "Nobody is proven",
    "403": "Not allowed to whoever asks",
    "404": "There is no such row",
    "405": "No such method here",
    "422": "Refused: says what is wrong, by field where one is at fault",
    "500": "Our fault",
    AWAY: "Another service did not answer; it may have done what was asked all the same",
}
MESSAGE = {
    "type": "object",
    "properties": {"message": {"oneOf": [{"type": "string"}, {"type": "object"}]}},
}
ROWS = {"type": "array", "items": {"type": "object"}}


class Described:
    """Mixed into the base of every entity's REST."""

    asks_others = False  # all of its operations may answer AWAY

    responses = {
        code: {"description": text, "content": {JSON: {"schema": MESSAGE}}}
        for code, text in REFUSALS.items()
    }

    def add_apispec_components(self, api_spec: APISpec) -> None:
        super().add_apispec_components(api_spec)  # type: ignore[misc]
        api_spec.components.responses.update(self.responses)  # the sign-in's came first
        for name in (self.list_model_schema_name, self.show_model_schema_name):  # type: ignore[attr-defined]
            # Whoever asks chooses the columns.
            api_spec.components.schemas[name].pop("required", None)

    def operation_helper(self, *, operations: dict[str, Any], **options: Any) -> None:
        super().operation_helper(operations=operations, **options)  # type: ignore[misc]
        for operation in filter(None, operations.values()):
            self._repair(operation)

    def _repair(self, operation: dict[str, Any]) -> None:
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                parameter |= {"required": True, "schema": {"type": "integer", "minimum": 1}}
        responses = operation.setdefault("responses", {})
        for code, response in responses.items():
            if str(code).startswith("2"):
                self._repair_answer(response)
        known = {str(code) for code in responses}
        responses |= {
            code: {"$ref": f"#/components/responses/{code}"}
            for code in REFUSALS.keys() - known - (set() if self.asks_others else {AWAY})
        }

    def _repair_answer(self, response: dict[str, Any]) -> None:
        """Ids are numbers; what was written comes back as it reads; columns are lists."""
        if JSON not in response["content"]:  # sound, say
            return
        properties = response["content"][JSON]["schema"].get("properties", {})
        if "id" in properties:
            properties["id"] = {"type": "integer"}
        if "ids" in properties:
            properties["ids"] = {"type": "array", "items": {"type": "integer"}}
        result = properties.get("result", {})
        shown = f"#/components/schemas/{self.show_model_schema_name}"  # type: ignore[attr-defined]
        if str(result.get("$ref", "")).endswith((".post", ".put")):
            properties["result"] = {"$ref": shown}
        for name in ("add_columns", "edit_columns"):
            if name in properties:
                properties[name] = ROWS
        if "filters" in properties:
            properties["filters"] = {"type": "object", "additionalProperties": ROWS}
