"""The templates themselves: right by CloudFormation's specification, named as in the code, tagged
as in the guide.
"""

import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from localaws.clients import EndpointClients

from aurora_restore.stages import FUNCTIONS
from tests.infra.conftest import ACCOUNT, REGION, Made
from tests.infra.templates import TEMPLATES, section

BODY_BYTES_MAX = 51_200  # of a template that is given itself, not by a URL
SETTINGS = {
    "SourceClusterId": "prod-cluster", "SourceRegion": "us-east-1", "TargetClusterId": "staging",
    "TargetRegion": REGION, "KmsKeyId": "alias/databases",
}  # fmt: skip
each = pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.stem)


def test_cfn_lint_finds_nothing() -> None:
    """No template has a finding of cfn-lint, not even a warning."""
    command = [str(Path(sysconfig.get_path("scripts"), "cfn-lint")), *map(str, TEMPLATES)]
    found = subprocess.run(command, check=False, capture_output=True, text=True)

    assert (0, "", "") == (found.returncode, found.stdout, found.stderr)


@each
def test_a_template_is_small_enough_to_be_sent_without_a_bucket(template: Path) -> None:
    """Each template is small enough for CloudFormation without a bucket."""
    assert template.stat().st_size <= BODY_BYTES_MAX


@each
def test_every_parameter_explains_itself(template: Path) -> None:
    """Each parameter has a description and a sentence about wrong values that names it, and its
    default is valid.
    """
    for name, parameter in section(template, "Parameters").items():
        bounds = {"AllowedPattern", "AllowedValues", "MinValue"} & parameter.keys()
        sentence = parameter["ConstraintDescription"]

        assert 1 == len(bounds)
        assert sentence.startswith(f"{name} is ")
        assert sentence.endswith(".")
        assert parameter["Description"].endswith(".")
        if "AllowedPattern" in parameter and "Default" in parameter:
            assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])


@each
def test_whatever_can_be_tagged_carries_the_tags_of_the_guide(template: Path) -> None:
    """Each resource that can be tagged has Environment, Project and Service; prod's environment is
    called Production.
    """
    from cfnlint.schema.manager import (  # type: ignore[import-untyped]  # noqa: PLC0415  # 0.5 s
        PROVIDER_SCHEMA_MANAGER,
    )

    environment = {"Fn::If": ["IsProd", "Production", {"Ref": "Stage"}]}
    for name, resource in section(template, "Resources").items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema
        tags: Any = resource["Properties"].get("Tags", {})
        found = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
        expected = (
            {"Environment": environment, "Project": "AuroraRestore"}
            if "Tags" in schema["properties"]
            else {}
        )

        of_guide = {key: found[key] for key in ("Environment", "Project") if key in found}

        assert (name, expected) == (name, of_guide)
        assert bool(expected) == bool(found.get("Service"))


def expected_of(made: Made) -> dict[str, str]:
    """Name what both stacks make, as the code does."""
    names = made.names
    return {
        "State": names.state_table,
        "Audit": names.audit_table,
        "MasterSecret": names.master_secret,
        "AppSecret": names.app_secret,
        "Notifications": names.topic,
        "Failures": names.failure_queue,
        "NotificationsKeyAlias": names.key_alias,
        "Dashboard": names.dashboard,
        "Deployment": names.bucket(ACCOUNT),
        **{
            f"{setting}Parameter": f"{names.parameter_path}{hyphened(setting)}"
            for setting in SETTINGS
        },
        **{alarm: names.alarm(hyphened(alarm)) for alarm in alarms()},
    }


def hyphened(name: str) -> str:
    """Turn a logical id into what names have in its place."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def alarms() -> list[str]:
    """List the alarms of the foundation by their logical ids."""
    (foundation,) = (template for template in TEMPLATES if template.stem == "foundation")
    return [
        name
        for name, resource in section(foundation, "Resources").items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]


def bare(name: str) -> str:
    """Take the name out of an ARN or URL; a secret's ARN ends in six characters of chance."""
    if name.startswith("arn:aws:secretsmanager:"):
        return name.split(":secret:")[1][:-7]
    return name.rsplit("/", 1)[-1] if name.startswith("http") else name.rsplit(":", 1)[-1]


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_names_are_those_that_the_code_has(clients: EndpointClients, stage: str) -> None:
    """Names are those of the code: only prod's carry no stage, and stages of one account share
    none.
    """
    made = Made(clients, stage)
    made.make("records")
    made.make("foundation", **SETTINGS)
    found = {
        name: bare(resource)
        for name, resource in {**made.resources("records"), **made.resources("foundation")}.items()
    }
    expected = expected_of(made)

    assert expected == {name: found[name] for name in expected}


def test_functions_are_named_as_chalice_names_them(made: Made) -> None:
    """Alarms and dashboard watch the functions of this stage, by the names that Chalice gives."""
    made.make("foundation")
    body = made("cloudwatch").get_dashboard(DashboardName=made.names.dashboard)["DashboardBody"]
    watched = {
        name
        for name in re.findall(r"aurora-restore-[a-z0-9-]+", body)
        if name.startswith(made.names.function(""))
    }
    expected = {made.names.function(name) for name in FUNCTIONS}
    found = watched - {
        made.names.failure_queue,
        *(made.names.alarm(hyphened(alarm)) for alarm in alarms()),
    }

    assert expected == found
