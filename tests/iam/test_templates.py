"""The templates of the policies, and how they are filled in for a stage and its plans."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from localaws.iam import Policy

from aurora_restore.policies import (
    CHARACTERS_MAX,
    TemplateError,
    Values,
    fill_policy,
    plans_of,
    write,
)
from aurora_restore.stages import FUNCTIONS, Stage
from simulation.settings import ENVIRONMENT
from simulation.stage import ACCOUNT

Template = Callable[..., Path]
WEEKLY = {"plans/weekly/target-cluster-id": "weekly-cluster"}


def stage(name: str = "test", **environment: str) -> Stage:
    """Give a stage with the settings of the tests, and others."""
    variables = {**ENVIRONMENT, "ENVIRONMENT": name, **environment}
    return Stage(name, {"stages": {name: {"environment_variables": variables}}})


def values(
    of: Stage | None = None, parameters: dict[str, str] | None = None, *, partition: str = "aws"
) -> Values:
    """Give what stands for the placeholders."""
    of = of or stage()
    plans = plans_of(of, parameters, account=ACCOUNT, partition=partition)
    return Values.of(of, plans, account=ACCOUNT, partition=partition)


@pytest.fixture
def template(tmp_path: Path) -> Template:
    """Give a writer of templates: `template(statement elements…)` returns the folder."""

    def written(**elements: Any) -> Path:
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Sid": "One", "Effect": "Allow"} | elements],
        }
        (tmp_path / "policy-heartbeat.json").write_text(json.dumps(policy))
        return tmp_path

    return written


def resources(folder: Path, given: Values) -> list[str]:
    """Fill a template in and give the resources of its one statement."""
    found: list[str] = fill_policy("heartbeat", given, folder)["Statement"][0]["Resource"]
    return found


def test_a_stages_values_are_filled_in(template: Template) -> None:
    """A policy is filled in with the stage's own names, its account and its region."""
    folder = template(
        Resource=["arn:${PARTITION}:dynamodb:${REGION}:${ACCOUNT}:table/${STATE_TABLE}"]
    )
    found = resources(folder, values())

    assert [f"arn:aws:dynamodb:us-west-2:{ACCOUNT}:table/aurora-restore-test-state"] == found


def test_what_speaks_of_a_plan_is_repeated_for_every_plan(template: Template) -> None:
    """A statement about plans is repeated for each plan that makes a difference; these plans share
    their source.
    """
    folder = template(
        Resource=["${SOURCE_CLUSTER_ID}", "${TARGET_REGION}/${TARGET_CLUSTER_ID}", "*"]
    )
    given = values(parameters=WEEKLY)
    expected = [
        "prod-cluster",
        "us-west-2/staging-cluster",
        "us-west-2/weekly-cluster",
        "*",
    ]

    assert expected == resources(folder, given)


@pytest.mark.parametrize("replacement", ["swap", "delete-first"])
def test_the_other_names_of_a_target_are_filled_in(template: Template, replacement: str) -> None:
    """Whatever REPLACEMENT is: a change of it needs no deployment."""
    folder = template(Resource=["${NEXT_CLUSTER_ID}", "${PREVIOUS_CLUSTER_ID}"])
    given = values(stage(REPLACEMENT=replacement))

    assert ["staging-cluster-next", "staging-cluster-previous"] == resources(folder, given)


@pytest.mark.parametrize(
    ("region", "named"),
    [("us-west-2", ["staging-cluster"]), ("us-east-1", ["staging-cluster-next"])],
)
def test_a_source_is_never_named_as_a_targets_cluster(
    template: Template, region: str, named: list[str]
) -> None:
    """Where a source has a name that a swap would need, no policy allows changes of it."""
    folder = template(Resource=["${NEXT_CLUSTER_ID}"])
    source = {"SOURCE_REGION": region, "SOURCE_CLUSTER_ID": "staging-cluster-next"}

    assert named == resources(folder, values(stage(**source)))


ADOPTION = "${ADOPTING_REGION} ${ADOPTING_CLUSTER_ID}", "${UNADOPTED_REGION}"


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, ["us-west-2"]),
        ({"ADOPT_READERS": "true"}, ["us-west-2 staging-cluster"]),
        ({"ADOPT_READERS": "true", "SOURCE_REGION": "us-west-2"}, ["us-west-2"]),
    ],
)
def test_instances_of_any_name_are_tagged_only_where_no_source_is(
    template: Template, environment: dict[str, str], found: list[str]
) -> None:
    """ADOPT_READERS allows it in the target's region, unless a source is there, too."""
    assert found == resources(template(Resource=[*ADOPTION]), values(stage(**environment)))


def test_a_statement_that_no_plan_uses_is_left_out(template: Template) -> None:
    """An Allow without a resource or a value is left out; a Deny keeps its conditions."""
    unused = ["${ADOPTING_CLUSTER_ID}"]
    tests = {"StringEquals": {"aws:ResourceTag/x": unused}}
    left = [
        len(fill_policy("heartbeat", values(), template(**elements))["Statement"])
        for elements in (
            {"Resource": unused},
            {"Resource": ["*"], "Condition": tests},
            {"Resource": ["*"], "Condition": tests, "Effect": "Deny"},
        )
    ]

    assert [0, 0, 1] == left


def test_values_of_two_plans_do_not_mix(template: Template) -> None:
    """A region and a cluster of one resource name come from one plan: the values of two plans do
    not mix.
    """
    other = {**WEEKLY, "plans/weekly/target-region": "eu-west-1"}
    folder = template(Resource=["${TARGET_REGION}/${TARGET_CLUSTER_ID}"])
    found = resources(folder, values(parameters=other))

    assert ["us-west-2/staging-cluster", "eu-west-1/weekly-cluster"] == found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "${TARGET_CLUSTER}",
            (
                "policy-heartbeat.json has the placeholder ${TARGET_CLUSTER}, which is unknown: "
                "there are ACCOUNT,"
            ),
        ),
        (
            "${aws:username}",
            "policy-heartbeat.json has the placeholder ${aws:username}, which is unknown",
        ),
        ("${}", "policy-heartbeat.json has the placeholder ${}, which is unknown"),
        (
            "${REGION}",
            (
                "policy-heartbeat.json has the placeholder ${REGION}, which has no value for the "
                "stage test."
            ),
        ),
    ],
)
def test_a_placeholder_without_a_value_is_an_error_that_names_it(
    template: Template, text: str, problem: str
) -> None:
    """A placeholder without a value is an error that names the file: nothing is left empty or
    unfilled.
    """
    unset = Values({**values().stage, "REGION": ""}, values().plans)
    with pytest.raises(TemplateError) as refused:
        resources(template(Resource=[text]), unset)

    assert problem in str(refused.value)


def test_a_plans_placeholder_outside_a_list_is_an_error(template: Template) -> None:
    """A plan's placeholder outside a list is an error, because it could not be repeated there."""
    with pytest.raises(
        TemplateError, match=r"\$\{TARGET_REGION\}, which has no value outside a list"
    ):
        resources(template(Resource="${TARGET_REGION}"), values())


def test_a_stage_without_plans_has_no_policies(template: Template) -> None:
    """A stage without plans has no policies, because the permissions depend on them."""
    with pytest.raises(TemplateError, match=r"\$\{TARGET_REGION\}, which is unknown"):
        resources(template(Resource=["${TARGET_REGION}"]), Values(values().stage, ()))


@pytest.mark.parametrize(
    ("secret_id", "arn"),
    [
        ("mine", f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:mine-??????"),
        (
            "arn:aws:secretsmanager:eu-west-1:1:secret:mine-AbCdE9",
            "arn:aws:secretsmanager:eu-west-1:1:secret:mine-AbCdE9",
        ),
        (
            "arn:aws:secretsmanager:eu-west-1:1:secret:mine",
            "arn:aws:secretsmanager:eu-west-1:1:secret:mine-??????",
        ),
    ],
    ids=["name", "ARN", "ARN without its end"],
)
def test_secrets_are_named_with_their_six_characters(
    template: Template, secret_id: str, arn: str
) -> None:
    """Secrets are named with the six characters that Secrets Manager adds; a whole ARN has them
    already.
    """
    given = values(stage(MASTER_CREDENTIALS_SECRET_ID=secret_id))

    assert [arn] == resources(template(Resource=["${MASTER_SECRET_ARN}"]), given)


def test_a_topic_of_another_region_brings_its_region(template: Template) -> None:
    """A topic of another region has its key there; without the setting the topic is the
    foundation's.
    """
    folder = template(Resource=["${TOPIC_ARN}", "${TOPIC_REGION}", "${SNS_TOPIC_REGION}"])
    elsewhere = f"arn:aws:sns:eu-west-1:{ACCOUNT}:people"
    own = f"arn:aws:sns:us-west-2:{ACCOUNT}:aurora-restore-test-notifications"
    unset = Values.of(stage(SNS_TOPIC_ARN=""), plans_of(stage(), account=ACCOUNT), account=ACCOUNT)

    assert [elsewhere, "eu-west-1"] == resources(folder, values(stage(SNS_TOPIC_ARN=elsewhere)))
    assert [own, "us-west-2"] == resources(folder, unset)


def test_prods_names_have_no_stage_in_them(template: Template) -> None:
    """Prod's parameters and queue are named without a stage, its functions and copies with it."""
    folder = template(
        Resource=["${PARAMETER_PATH} ${FAILURE_QUEUE} ${FUNCTION_PREFIX}heartbeat ${COPIES}"]
    )
    expected = (
        "/aurora-restore/ aurora-restore-failures aurora-restore-prod-heartbeat "
        "aurora-restore-prod-"
    )

    assert [expected] == resources(folder, values(stage("prod")))


def test_copies_of_a_stage_with_a_long_name_are_found(template: Template) -> None:
    """Copies of a stage with a long name are found: their names keep ten characters of it."""
    found = resources(template(Resource=["${COPIES}"]), values(stage("acceptancetests")))

    assert ["aurora-restore-acceptance-"] == found


def test_a_policy_that_aws_would_not_take_is_an_error() -> None:
    """A policy that is too long for AWS is an error: many plans make long lists."""
    many = {
        f"plans/p{number:02}/target-cluster-id": f"cluster-number-{number:02}"
        for number in range(30)
    }
    with pytest.raises(
        TemplateError, match=f"characters for 31 plans, and AWS takes {CHARACTERS_MAX}"
    ):
        fill_policy("restore-snapshot", values(parameters=many))


def test_every_function_gets_its_policy(tmp_path: Path) -> None:
    """Each function gets a policy that Chalice can read, in another partition too."""
    there = stage(SNS_TOPIC_ARN=f"arn:aws-cn:sns:us-west-2:{ACCOUNT}:people")
    write(values(there, partition="aws-cn"), tmp_path)
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}

    assert {f"policy-{function}.json" for function in FUNCTIONS} == set(written)
    assert [] == [name for name, text in written.items() if "${" in text or "arn:aws:" in text]
    assert all(Policy.of_text(text, name).statements for name, text in written.items())


def test_nothing_is_written_when_one_template_is_wrong(tmp_path: Path) -> None:
    """When one template is wrong, no policy is written: a deployment must not begin with half of
    them.
    """
    templates, folder = tmp_path / "templates", tmp_path / "filled"
    templates.mkdir()
    folder.mkdir()
    for function in FUNCTIONS:
        (templates / f"policy-{function}.json").write_text('{"Statement": ["${NOBODY}"]}')
    with pytest.raises(TemplateError, match=r"policy-snapshot-check\.json has the placeholder"):
        write(values(), folder, templates)

    assert [] == list(folder.iterdir())


def test_plans_come_from_ssm_as_the_app_reads_them() -> None:
    """Plans come from SSM: the stage's own and those with parameters of their own."""
    plans = plans_of(stage(), WEEKLY, account=ACCOUNT)
    found = [(plan.name, plan.target.cluster_id) for plan in plans]

    assert [("default", "staging-cluster"), ("weekly", "weekly-cluster")] == found


@pytest.mark.parametrize(("replacement", "count"), [("pointer", 1), ("swap", 0)])
def test_only_a_stage_that_points_may_write_the_secret(replacement: str, count: int) -> None:
    """So a change to REPLACEMENT=pointer needs a deployment."""
    policy = fill_policy("swap-target", values(stage(REPLACEMENT=replacement)))
    writing = [
        statement
        for statement in policy["Statement"]
        if "secretsmanager:PutSecretValue" in statement.get("Action", ())
    ]

    assert count == len(writing)


def test_a_record_is_named_in_the_policy_that_changes_it() -> None:
    """Without one no record may be changed at all."""
    dns = {"TARGET_DNS_NAME": "staging.db.example", "TARGET_DNS_ZONE_ID": "Z1"}
    policies = [
        fill_policy("swap-target", values(stage(REPLACEMENT="pointer", **given)))
        for given in (dns, {})
    ]
    found = [
        statement.get("Condition", {}).get("ForAllValues:StringEquals")
        for policy in policies
        for statement in policy["Statement"]
        if statement["Sid"] == "PointInRecord"
    ]

    assert [
        {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["staging.db.example"],
            "route53:ChangeResourceRecordSetsRecordTypes": ["CNAME"],
        }
    ] == found
