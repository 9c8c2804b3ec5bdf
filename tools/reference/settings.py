"""The settings in the docs: each variable with its parameter, values, default and meaning."""

from collections.abc import Mapping
from typing import Any

from aurora_restore.stages import DEPLOYMENT_ONLY
from chalicelib.flow.choreography import CHOREOGRAPHY
from chalicelib.flow.plan import SETTINGS, plan_schemas
from chalicelib.settings import Settings
from tools.reference.descriptions import PLAN, STAGE
from tools.reference.tables import code, table

NOT_VARIABLES = frozenset(
    {"variables", "variables_place"}
)  # of the stage's settings: the environment as a whole
Schema = Mapping[str, Any]


def variables() -> dict[str, str]:
    """Give every setting that people make, with its meaning, by field name.

    Only the topic is in both models.
    """
    return {
        **STAGE,
        **{field: meaning for group in PLAN.values() for field, meaning in group.items()},
    }


def fields() -> set[str]:
    """Give the field names that are settings, from the models themselves."""
    return (Settings.model_fields.keys() - NOT_VARIABLES) | (SETTINGS.keys())


def stage() -> str:
    """Write the table of what the environment alone gives."""
    schemas = Settings.model_json_schema()["properties"]
    rows = [
        [code(field.upper()), _values(schemas[field]), _default(schemas[field]), meaning]
        for field, meaning in STAGE.items()
    ]
    return table(["variable", "value", "default", "meaning"], rows)


def deployment() -> str:
    """Write the table of what only a deployment reads."""
    return table(
        ["variable", "meaning"],
        [[code(name), meaning] for name, meaning in DEPLOYMENT_ONLY.items()],
    )


def plan() -> str:
    """Write the tables of a plan's settings, one for each group."""
    schemas = plan_schemas()
    return "\n\n".join(f"### {title}\n\n{_group(group, schemas)}" for title, group in PLAN.items())


def _group(group: Mapping[str, str], schemas: Mapping[str, Schema]) -> str:
    rows = [
        [
            code(field.upper()),
            code(field.replace("_", "-")),
            _values(schemas[field]),
            _default(schemas[field]),
            meaning + _bounded(field),
        ]
        for field, meaning in group.items()
    ]
    return table(["variable", "SSM parameter", "value", "default", "meaning"], rows)


def _bounded(field: str) -> str:
    """Say which states a deadline bounds, from the choreography."""
    states = [code(row.state) for row in CHOREOGRAPHY if row.step and row.deadline == field]
    return f" Bounds {', '.join(states)}." if states else ""


def _default(schema: Schema) -> str:
    if "default" not in schema:
        return "**required**"
    value = schema["default"]
    if isinstance(value, bool):
        return code(str(value).lower())
    return (
        code(",".join(value) if isinstance(value, list) else value)
        if value not in (None, [])
        else "not set"
    )


def _values(schema: Schema) -> str:
    kind = next((kind for kind in schema.get("anyOf", []) if kind["type"] != "null"), schema)
    if "enum" in kind:
        return " or ".join(map(code, kind["enum"]))
    if "pattern" in kind:
        return f"text like {code(kind['pattern'])}"
    if kind["type"] in ("integer", "number"):
        return f"{'whole number' if kind['type'] == 'integer' else 'number'}{_range(kind)}"
    return {"array": "comma-separated", "boolean": "`true` or `false`"}.get(kind["type"], "text")


def _range(kind: Schema) -> str:
    least, most = kind.get("minimum"), kind.get("maximum")
    if most is not None:
        return f", {least} to {most}"
    return f", {least} or more" if least is not None else ""
