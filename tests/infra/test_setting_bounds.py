"""What a setting may be is said once; the templates, which have to repeat it, say the same."""

import pytest

from aurora_restore.setting_bounds import ACCOUNT_ID, BOOLEANS, EMAIL, FRESHNESS_HOURS, TOPIC_ARN
from aurora_restore.stages import Stage
from chalicelib.settings import Settings
from tests.infra.templates import ROOT, TEMPLATES, section


def parameter(template: str, name: str) -> dict[str, object]:
    """Read a parameter of a template."""
    found: dict[str, object] = section(ROOT / "infra" / f"{template}.yaml", "Parameters")[name]
    return found


def test_the_alarm_takes_the_same_hours() -> None:
    """The alarm's parameter has the default, minimum and maximum of FRESHNESS_HOURS."""
    hours = parameter("foundation", "FreshnessHours")
    bounds = (FRESHNESS_HOURS.default, FRESHNESS_HOURS.minimum, FRESHNESS_HOURS.maximum)

    assert bounds == (hours["Default"], hours["MinValue"], hours["MaxValue"])


@pytest.mark.parametrize(
    ("template", "name", "pattern"),
    [
        ("foundation", "NotificationEmail", f"({EMAIL.pattern})?"),
        ("foundation", "SourceAccount", f"({ACCOUNT_ID.pattern})?"),
        ("forwarding", "TargetAccount", f"({ACCOUNT_ID.pattern})?"),
        ("forwarding", "AlarmTopicArn", f"({TOPIC_ARN.pattern})?"),
        ("cross-account-role", "AppAccount", ACCOUNT_ID.pattern),
    ],
)
def test_a_parameter_has_the_pattern_of_its_setting(template: str, name: str, pattern: str) -> None:
    """A parameter has the pattern of its setting, so that no stack refuses what the configuration
    check accepts.
    """
    assert pattern == parameter(template, name)["AllowedPattern"]


def test_the_protection_of_tables_has_the_same_values() -> None:
    """PROTECT_TABLES has the same two values in settings and template."""
    assert [*BOOLEANS] == parameter("records", "ProtectTables")["AllowedValues"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.stem)
def test_a_stage_has_the_same_name_for_functions_and_stacks(template: object) -> None:
    """The pattern of ENVIRONMENT in the functions' settings is that of each template's Stage."""
    (environment,) = Settings.model_fields["environment"].metadata
    named = section(template, "Parameters")["Stage"]["AllowedPattern"]  # type: ignore[arg-type]

    assert environment.pattern == f"^{named}$"


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("", 30),
        ("1", 1),
        ("720", 720),
        ("0", None),
        ("721", None),
        ("-1", None),
        ("²", None),
        ("a", None),
    ],
)
def test_hours_are_read_by_one_rule(text: str, hours: int | None) -> None:
    """Deployment, alarm and doctor agree on which texts are a number of hours."""
    assert hours == FRESHNESS_HOURS.parse(text)
    variables = {"FRESHNESS_HOURS": text}
    stage = Stage("dev", {"stages": {"dev": {"environment_variables": variables}}})
    assert hours == stage.freshness_hours
