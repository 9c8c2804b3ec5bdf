"""What Chalice cannot set: retries of Lambda and EventBridge, dead-letter queues, and tags.

Lambda retries a failed invocation twice by default, minutes later; here the heartbeat is the retry,
and what fails leaves its event in the stage's failure queue. Chalice puts each rule's target anew
with every deployment, which wipes what stands here, so this is put after each one.
"""

import json
import time
from collections.abc import Mapping
from typing import Any, Final

from aurora_restore.account.identity import Account
from aurora_restore.deployment.errors import DeploymentError
from aurora_restore.documents import equivalent
from aurora_restore.stages import FUNCTIONS, PROJECT, Stage
from chalicelib.messages.event_patterns import pattern

TARGET_ID: Final = "1"  # Chalice's
_STALE_SECONDS: Final = (
    3600  # announcements come again by then, and who still wants a restore asks again
)
_PROPAGATION_TRIES, _PROPAGATION_SECONDS = 15, 5.0
HEARTBEAT_SCHEDULE: Final = "rate(1 minute)"
_TICK_SECONDS: Final = 60  # the least that AWS takes: the next tick is better than a late one


def event_age_max(function: str) -> int:
    """Output how old, in seconds, an event of a function may become before it is given up."""
    return _TICK_SECONDS if function == "heartbeat" else _STALE_SECONDS


def invocation(function: str, queue_arn: str) -> dict[str, Any]:
    """Give the asynchronous setting of a function, in the words of PutFunctionEventInvokeConfig."""
    return {
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": event_age_max(function),
        "DestinationConfig": {"OnFailure": {"Destination": queue_arn}},
    }


def target(function: str, function_arn: str, queue_arn: str) -> dict[str, Any]:
    """Give the target of a function's rule, in the words of PutTargets.

    EventBridge's retries are only about handing the event to Lambda's queue (EventBridge user
    guide, eb-rule-dlq).
    """
    retries = 0 if function == "heartbeat" else 185
    return {
        "Id": TARGET_ID,
        "Arn": function_arn,
        "RetryPolicy": {
            "MaximumRetryAttempts": retries,
            "MaximumEventAgeInSeconds": event_age_max(function),
        },
        "DeadLetterConfig": {"Arn": queue_arn},
    }


def matches_choreography(stage: Stage, function: str, rule: Mapping[str, Any]) -> bool:
    """Tell whether a rule, as DescribeRule gives it, has the choreography's pattern."""
    if function == "heartbeat":
        return bool(rule.get("ScheduleExpression") == HEARTBEAT_SCHEDULE)
    return equivalent(json.loads(rule.get("EventPattern") or "{}"), pattern(function, stage.name))


def tags(stage: Stage, service: str = "Lambda") -> list[dict[str, str]]:
    """Give the guide's tags of what belongs to functions, as IAM and EventBridge take them."""
    named = {"Environment": stage.environment_tag, "Project": PROJECT, "Service": service}
    return [{"Key": key, "Value": value} for key, value in named.items()]


def role_tags(stage: Stage, account: str) -> list[dict[str, str]]:
    """Give the tags of a function's role, by which the stage is found again (`deployment.home`)."""
    home = [{"Key": key, "Value": value} for key, value in stage.home_tags(account).items()]
    return tags(stage) + home


def apply(account: Account, stage: Stage, queue_arn: str) -> list[str]:
    """Put all of it where it is not so already.

    Returns a sentence for each thing that had to be put.
    """
    return [said for function in FUNCTIONS for said in _apply(account, stage, function, queue_arn)]


def _apply(account: Account, stage: Stage, function: str, queue_arn: str) -> list[str]:
    _tag(account, stage, function)
    functions, name = account.clients("lambda", stage.region), stage.function(function)
    deployed = functions.get_function_configuration(FunctionName=name)
    said = _fix_handler(functions, stage, function, deployed)
    _put_invocation(functions, name, invocation(function, queue_arn))
    events, rule = account.clients("events", stage.region), stage.rule(function)
    wanted = target(function, deployed["FunctionArn"], queue_arn)
    if events.list_targets_by_rule(Rule=rule)["Targets"] != [wanted]:
        refused = events.put_targets(Rule=rule, Targets=[wanted]).get("FailedEntries", [])
        if refused:
            raise DeploymentError(
                f"EventBridge did not take the target of {rule}: {refused[0]['ErrorMessage']}."
            )
        said.append(f"{rule}: retries and dead-letter queue are put.")
    return said


def _tag(account: Account, stage: Stage, function: str) -> None:
    """Tag the role, the log group and the rule of a function: Chalice tags the function alone."""
    name, rule = stage.function(function), stage.rule(function)
    of_log = {tag["Key"]: tag["Value"] for tag in tags(stage, "Logging")}
    group = account.arn("logs", stage.region, f"log-group:/aws/lambda/{name}")
    account.clients("logs", stage.region).tag_resource(resourceArn=group, tags=of_log)
    account.clients("iam", stage.region).tag_role(
        RoleName=name, Tags=role_tags(stage, account.number)
    )
    account.clients("events", stage.region).tag_resource(
        ResourceARN=account.arn("events", stage.region, f"rule/{rule}"), Tags=tags(stage)
    )


def _put_invocation(functions: Any, name: str, wanted: dict[str, Any]) -> None:
    """Put a function's asynchronous setting; Lambda looks whether the role may write to the queue.

    A role that was just made is not known everywhere at once (IAM user guide, eventual
    consistency), so a refusal is tried again for a while.
    """
    for left in reversed(range(_PROPAGATION_TRIES)):
        try:
            functions.put_function_event_invoke_config(FunctionName=name, **wanted)
        except functions.exceptions.InvalidParameterValueException:
            if not left:
                raise
            time.sleep(_PROPAGATION_SECONDS)
        else:
            return


def _fix_handler(
    functions: Any, stage: Stage, function: str, deployed: dict[str, Any]
) -> list[str]:
    """Correct what Chalice never updates: a renamed handler, and tracing switched off."""
    wanted: dict[str, Any] = {"Handler": f"app.{function.replace('-', '_')}"}
    traced = bool(stage.function_setting(function, "xray"))
    wanted["TracingConfig"] = {"Mode": "Active" if traced else "PassThrough"}
    wrong = {
        key: value
        for key, value in wanted.items()
        if deployed.get(key, {"Mode": "PassThrough"}) != value
    }
    if wrong:
        name = stage.function(function)
        functions.get_waiter("function_updated_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 2}
        )
        functions.update_function_configuration(FunctionName=name, **wrong)
        functions.get_waiter("function_updated_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 2}
        )
    return [f"{stage.function(function)}: {key} is {value} now." for key, value in wrong.items()]
