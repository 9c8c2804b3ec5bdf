"""Properties for API calls: CloudFormation takes numbers as text, botocore does not."""

from typing import Any, Final

_CASTS: Final = {"integer": int, "long": int, "float": float, "double": float}


def shaped(client: Any, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Give the arguments of a client's method with text turned into what the API's model wants.

    None is left out.
    """
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    given = {name: value for name, value in arguments.items() if value is not None}
    found: dict[str, Any] = _shape(operation.input_shape, given)
    return found


def _shape(shape: Any, value: Any) -> Any:
    if shape is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        return {name: _shape(shape.members.get(name), member) for name, member in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_shape(shape.member, member) for member in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: _shape(shape.value, member) for name, member in value.items()}
    return _scalar(shape.type_name, value)


def _scalar(type_name: str, value: Any) -> Any:
    if type_name == "boolean" and value in ("true", "false"):
        return value == "true"
    if type_name in _CASTS and isinstance(value, str | int):
        return _CASTS[type_name](value)
    return str(value) if type_name == "string" and isinstance(value, int | float) else value


def given_attributes(known: dict[str, str], wanted: dict[str, Any]) -> dict[str, str]:
    """Take from properties those that an API calls attributes, as the text it wants."""
    return {name: _text(wanted[name]) for name in known if name in wanted}


def changed_attributes(
    known: dict[str, str], wanted: dict[str, Any], before: dict[str, Any]
) -> dict[str, str]:
    """Say which attributes differ.

    `known` has what holds where a property is not given, or was taken away.
    """
    now, then = known | given_attributes(known, wanted), known | given_attributes(known, before)
    return {name: value for name, value in now.items() if then[name] != value}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
