"""The functions, their roles and their rules, each held against the checkout."""

import io
import json
import zipfile
from datetime import UTC, datetime

from aurora_restore.findings import Status
from tests.doctor.scene import Scene

COPY = "aurora-restore-dev-copy-snapshot"
BEAT = "aurora-restore-dev-heartbeat"
QUEUE = "arn:aws:sqs:us-west-2:123456789012:aurora-restore-dev-failures"


def zipped(text: str) -> bytes:
    """Make a package that is not the checkout's."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", text)
    return content.getvalue()


def test_a_function_that_is_gone_is_named(scene: Scene) -> None:
    """A missing function is named, and the checks of code and settings cover the others only."""
    scene.lose_function(COPY)
    found = scene.see("functions")

    assert f"functions: FAILED (Not deployed: copy-snapshot. {scene.deploy()})" == str(found)
    assert "code: OK (11 functions run this checkout's code.)" == str(scene.see("code"))
    assert Status.OK is scene.see("configuration").status


def test_leftovers_of_an_earlier_app_are_a_warning(scene: Scene) -> None:
    """A function under the stage's names that the app does not have is a warning."""
    functions = scene.client("lambda")
    role = functions.get_function_configuration(FunctionName=COPY)["Role"]
    functions.create_function(
        FunctionName="aurora-restore-dev-old-step",
        Runtime=scene.runtime,
        Role=role,
        Handler="app.x",
        Code={"ZipFile": zipped("")},
    )
    scene.afterwards(functions.delete_function, FunctionName="aurora-restore-dev-old-step")
    found = scene.see("functions")

    assert Status.WARNING is found.status
    assert "Deployed, but not in this checkout's app: old-step." == found.what


def test_other_code_is_found_by_its_digest(scene: Scene) -> None:
    """A function that runs other code than the package is found by its digest."""
    scene.replace_code(COPY, zipped("x = 1"))
    found = scene.see("code")

    assert Status.FAILED is found.status
    assert "copy-snapshot run other code than this checkout's." == found.what


def test_code_is_compared_with_the_current_checkout(scene: Scene) -> None:
    """The deployed code is compared with the present checkout: one more line in the app is other
    code.
    """
    changed = scene.place.checkout("changed", dev={})
    with (changed / "chalicelib" / "outcome.py").open("a") as module:
        module.write("# one line more\n")
    found = scene.see("code", checkout=changed)

    assert (
        "code: FAILED (All functions run other code than this checkout's. "
        f"{scene.deploy(checkout=changed)} Or run it from the checkout that is deployed, with the "
        "Python that deployed it.)"
    ) == str(found)


def test_another_sdk_than_the_packed_one_is_reported(scene: Scene) -> None:
    """The heartbeat's newest line about its SDK is compared with the checkout's lock."""
    before = scene.see("code")
    line = {"sdk_version": "1.26.0", "sdk_folder": "/opt/python/boto3"}
    logs, place = scene.client("logs"), {"logGroupName": f"/aws/lambda/{BEAT}"}
    logs.create_log_stream(**place, logStreamName="another")
    scene.afterwards(logs.delete_log_stream, **place, logStreamName="another")
    told = {"timestamp": int(datetime.now(UTC).timestamp() * 1000), "message": json.dumps(line)}
    logs.put_log_events(**place, logStreamName="another", logEvents=[told])
    found = scene.see("code")

    assert Status.OK is before.status
    assert Status.FAILED is found.status
    assert found.what.startswith("The heartbeat runs boto3 1.26.0 from /opt/python/boto3, and this")
    assert f"{scene.deploy()} If that does not help, remove the layer" in found.do


def test_settings_of_a_function_are_compared_with_the_configuration(scene: Scene) -> None:
    """A function's memory, handler, tracing and variables are compared with the configuration;
    variables by name only.
    """
    functions = scene.client("lambda")
    before = functions.get_function_configuration(FunctionName=COPY)
    variables = before["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=COPY,
        MemorySize=512,
        Handler="app.old",
        TracingConfig={"Mode": "Active"},
        Environment={"Variables": {**variables, "LOG_LEVEL": "a secret", "MORE": "of them"}},
    )
    scene.afterwards(
        functions.update_function_configuration,
        FunctionName=COPY,
        MemorySize=before["MemorySize"],
        Handler=before["Handler"],
        TracingConfig={"Mode": "PassThrough"},
        Environment={"Variables": variables},
    )
    found = scene.see("configuration")

    assert (
        "configuration: FAILED (copy-snapshot differs from .chalice/config.json in handler, "
        f"lambda_memory_size, the variable LOG_LEVEL, the variable MORE, xray. {scene.deploy()})"
    ) == str(found)


def test_a_function_outside_its_vpc_is_found(scene: Scene) -> None:
    """A function in other subnets than the configuration names is reported."""
    scene.configure_network(subnet_ids=list(scene.resources.subnet_ids[:1]))
    found = scene.see("configuration")

    assert "setup-db-users differs from .chalice/config.json in subnet_ids." == found.what


def test_a_role_with_extra_permissions_is_found(scene: Scene) -> None:
    """A role with an edited policy or an additional one is reported."""
    iam = scene.client("iam")
    (name,) = iam.list_role_policies(RoleName=COPY)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=COPY, PolicyName=name)["PolicyDocument"]
    more = {
        **policy,
        "Statement": [*policy["Statement"], {"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    iam.put_role_policy(RoleName=COPY, PolicyName=name, PolicyDocument=json.dumps(more))
    scene.afterwards(
        iam.put_role_policy, RoleName=COPY, PolicyName=name, PolicyDocument=json.dumps(policy)
    )
    edited = scene.see("roles")
    iam.put_role_policy(RoleName=COPY, PolicyName=name, PolicyDocument=json.dumps(policy))
    arn = iam.create_policy(PolicyName="more", PolicyDocument=json.dumps(more))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=COPY, PolicyArn=arn)
    scene.afterwards(iam.detach_role_policy, RoleName=COPY, PolicyArn=arn)
    attached = scene.see("roles")

    assert f"The policy of the role {COPY} is not the one of this checkout." == edited.what
    assert Status.FAILED is edited.status
    assert f"Role {COPY} has extra policies: {arn}." == attached.what
    assert Status.WARNING is attached.status


# --- what wakes them ---


def test_a_disabled_rule_is_found(scene: Scene) -> None:
    """A disabled rule is reported with the command that enables it."""
    events, rule = scene.client("events"), f"{COPY}-event"
    events.disable_rule(Name=rule)
    scene.afterwards(events.enable_rule, Name=rule)

    assert (
        "rules: FAILED (The rule of copy-snapshot is disabled. If nobody stopped it on purpose: "
        f"aws events enable-rule --region us-west-2 --name {rule})"
    ) == str(scene.see("rules"))


def test_a_rule_with_another_pattern_is_found(scene: Scene) -> None:
    """A rule with another pattern than the choreography's, or another rate, is reported."""
    events, rule = scene.client("events"), f"{COPY}-event"
    before = events.describe_rule(Name=rule)["EventPattern"]
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aurora-restore.test"]}))
    scene.afterwards(events.put_rule, Name=rule, EventPattern=before)
    events.put_rule(Name=f"{BEAT}-event", ScheduleExpression="rate(5 minutes)")
    scene.afterwards(events.put_rule, Name=f"{BEAT}-event", ScheduleExpression="rate(1 minute)")
    expected = (
        "The event pattern of the rule of copy-snapshot differs from the choreography.\n"
        "The event pattern of the rule of heartbeat differs from the choreography."
    )

    assert expected == scene.see("rules").what


def test_a_rule_has_its_function_as_its_only_target(scene: Scene) -> None:
    """A rule has one target and may invoke it: a second target and a missing permission are
    reported.
    """
    events, functions, rule = scene.client("events"), scene.client("lambda"), f"{COPY}-event"
    events.put_targets(Rule=rule, Targets=[{"Id": "more", "Arn": QUEUE}])
    scene.afterwards(events.remove_targets, Rule=rule, Ids=["more"])
    (statement,) = json.loads(functions.get_policy(FunctionName=BEAT)["Policy"])["Statement"]
    functions.remove_permission(FunctionName=BEAT, StatementId=statement["Sid"])
    scene.afterwards(
        functions.add_permission,
        FunctionName=BEAT,
        StatementId=statement["Sid"],
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
    )
    expected = (
        "The rule of copy-snapshot has other targets than its function.\nThe rule may not invoke "
        "heartbeat."
    )

    assert expected == scene.see("rules").what


def test_settings_that_chalice_resets_are_found(scene: Scene) -> None:
    """A target without the retry settings that Chalice wipes, and a function without a failure
    destination, are reported.
    """
    events, functions, rule = scene.client("events"), scene.client("lambda"), f"{COPY}-event"
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": target["Arn"]}])
    scene.afterwards(events.put_targets, Rule=rule, Targets=[target])
    wanted = functions.get_function_event_invoke_config(FunctionName=BEAT)
    functions.delete_function_event_invoke_config(FunctionName=BEAT)
    scene.afterwards(
        functions.put_function_event_invoke_config,
        FunctionName=BEAT,
        **{
            key: wanted[key]
            for key in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
        },
    )

    assert (
        "retry settings: FAILED\n  Retries and dead-letter queue are not on the rules of "
        "copy-snapshot.\n  Retries and failure destination are not on heartbeat.\n  "
        f"{scene.deploy()}"
    ) == str(scene.see("retry settings"))


def test_a_function_that_may_not_be_invoked_is_found(scene: Scene) -> None:
    """A function with reserved concurrency 0 is reported: no event can invoke it."""
    functions = scene.client("lambda")
    for name in (BEAT, COPY):
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        scene.afterwards(functions.delete_function_concurrency, FunctionName=name)
    found = scene.see("functions")
    expected = [
        "copy-snapshot cannot run: its reserved concurrency is 0.",
        "heartbeat cannot run: its reserved concurrency is 0.",
    ]

    assert Status.FAILED is found.status
    assert expected == sorted(found.what.splitlines())
    assert (
        f"aws lambda delete-function-concurrency --region us-west-2 --function-name {BEAT}"
        in found.do
    )
