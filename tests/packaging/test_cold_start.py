"""What a function loads when it starts: only what it uses."""

import pytest

from chalicelib.flow.choreography import STEPS
from tests.packaging.packaged import fresh

STAGE = {"ENVIRONMENT": "local", "STATE_TABLE_NAME": "state", "AUDIT_TABLE_NAME": "audit"}
LOADED = (
    "import sys; print(*sorted(set(sys.modules) & {'psycopg2', 'aws_xray_sdk', 'localaws', 'moto', "
    "'yaml'}))"
)


def test_the_app_itself_loads_no_database_driver_and_no_tracing() -> None:
    """The app itself loads no database driver, because each function imports it at each cold
    start.
    """
    assert [] == fresh(f"import app; {LOADED}", **STAGE)


def test_only_the_step_that_uses_postgresql_loads_its_driver() -> None:
    """Only the step that speaks to PostgreSQL loads its driver."""
    steps = [f"chalicelib.steps.{step.replace('-', '_')}" for step in STEPS]
    modules = [*steps, "chalicelib.runtime.heartbeat"]
    users = "chalicelib.steps.setup_db_users"
    others = [module for module in modules if module != users]

    assert [] == fresh(f"import app, {', '.join(others)}; {LOADED}", **STAGE)
    assert ["psycopg2"] == fresh(f"import app, {users}; {LOADED}", **STAGE)


@pytest.mark.parametrize("step", STEPS)
def test_a_function_loads_no_other_functions_step(step: str) -> None:
    """A function loads no other function's step: shared code stands in a module of its own."""
    name = f"chalicelib.steps.{step.replace('-', '_')}"
    loaded = (
        "import sys; print(*(name for name in sys.modules if name.startswith('chalicelib.steps.')))"
    )

    assert [name] == fresh(f"import app, {name}; {loaded}", **STAGE)


def test_debug_never_reaches_botocore() -> None:
    """The log level DEBUG never reaches botocore, whose debug lines print secrets in clear."""
    code = (
        "import logging, app, boto3; from chalicelib.observability import logger; "
        "boto3.client('secretsmanager', region_name='us-west-2'); "
        "print(*[logging.getLogger(name).getEffectiveLevel() for name in ('botocore', 'boto3', "
        "'urllib3')], logger.log_level)"
    )

    assert ["30", "30", "30", "10"] == fresh(code, LOG_LEVEL="DEBUG", **STAGE)
