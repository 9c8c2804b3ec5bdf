"""The packaged app is the choreography: rules, functions and environment, as they are deployed."""

import pytest

from chalicelib.flow.choreography import STEPS
from chalicelib.messages.event_patterns import pattern
from chalicelib.settings import Settings, resolve_plan
from tests.packaging.packaged import APP, Function, package

FUNCTIONS = sorted([*STEPS, "heartbeat", "cancel-restore"])
LONG = ("setup-db-users", "swap-target")
WORLDS_OWN = {  # what is made with the world, so that its deployment fills it in
    "VPC_SECURITY_GROUP_IDS": "sg-12345678",
    "SNS_TOPIC_ARN": "arn:aws:sns:us-west-2:123456789012:notifications",
}


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Function]:
    """Give the packaged functions."""
    return package(tmp_path_factory.mktemp("package"))


def test_there_are_the_twelve_functions(functions: dict[str, Function]) -> None:
    """The package has twelve functions: ten steps, the heartbeat and the one that cancels."""
    assert FUNCTIONS == sorted(functions)
    assert 12 == len(functions)


@pytest.mark.parametrize("step", [*STEPS, "cancel-restore"])
def test_a_packaged_rule_is_the_choreographys_pattern(
    functions: dict[str, Function], step: str
) -> None:
    """A packaged rule has the choreography's pattern for this stage."""
    trigger = functions[step].trigger

    assert "CloudWatchEvent" == trigger["Type"]
    assert pattern(step, "local") == trigger["Properties"]["Pattern"]


def test_the_heartbeat_runs_every_minute(functions: dict[str, Function]) -> None:
    """The heartbeat's schedule is once a minute, the shortest that a rule can have."""
    trigger = functions["heartbeat"].trigger

    assert ("Schedule", "rate(1 minute)") == (trigger["Type"], trigger["Properties"]["Schedule"])


def test_no_functions_name_begins_with_anothers() -> None:
    """No function's name begins with another's: Chalice finds log groups by prefix and would stop
    half-way.
    """
    pairs = [
        (function, other)
        for function in FUNCTIONS
        for other in FUNCTIONS
        if function != other and other.startswith(function)
    ]

    assert [] == pairs


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_a_handler_and_a_policy_of_its_own(
    functions: dict[str, Function], name: str
) -> None:
    """Each function has a policy, and a handler of its own name, so that a log line leads to the
    code.
    """
    function = functions[name]

    assert f"app.{name.replace('-', '_')}" == function.properties["Handler"]
    assert (APP / ".chalice" / f"policy-{name}.json").is_file()
    assert function.policy["Statement"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_functions_environment_makes_a_plan(functions: dict[str, Function], name: str) -> None:
    """Each function's environment makes a plan, together with what only AWS knows."""
    environment = {**functions[name].environment, **WORLDS_OWN}
    settings = Settings.of_environment(environment)
    resolved = resolve_plan(settings, "default", {}, account="123456789012", partition="aws")
    expected = "arn:aws:rds:us-west-2:123456789012:cluster:staging-cluster"

    assert ("local", "local/default") == (settings.stage, resolved.owner)
    assert expected == resolved.target_cluster_arn


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_time_for_what_it_does(functions: dict[str, Function], name: str) -> None:
    """Each function has enough time: two have minutes, the others make calls of seconds.

    The set-up of users works so long, and the swap looks every few seconds while a rename takes
    place: the longer it may, the less often people wait for the heartbeat without a target.
    """
    assert (300 if name in LONG else 60) == functions[name].properties["Timeout"]


def test_the_roots_that_connections_are_checked_against_are_packaged() -> None:
    """The bundle of certificate authorities is packaged once, and no test lies below chalicelib."""
    assert 1 == len(list((APP / "chalicelib").rglob("rds-ca-bundle.pem")))
    assert [] == list((APP / "chalicelib").rglob("test_*.py"))
