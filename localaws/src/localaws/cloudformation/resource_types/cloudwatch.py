"""Alarms and dashboards. Alarms are kept as they are put; nobody evaluates them here."""

import json
from typing import Final

from moto.cloudwatch.models import cloudwatch_backends

from localaws.cloudformation.coercion import shaped
from localaws.cloudformation.errors import ResourceError
from localaws.cloudformation.resource_type import (
    AccountClients,
    PhysicalResource,
    Properties,
    changed_tags,
    kind,
)

_ALARM: Final = (
    "ActionsEnabled AlarmActions AlarmDescription ComparisonOperator DatapointsToAlarm Dimensions "
    "EvaluationPeriods InsufficientDataActions MetricName Metrics Namespace OKActions Period "
    "Statistic Threshold TreatMissingData"
)


def _alarm_exists(wanted: Properties, aws: AccountClients) -> bool:
    return bool(aws("cloudwatch").describe_alarms(AlarmNames=[wanted["AlarmName"]])["MetricAlarms"])


def _create_alarm(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    aws("cloudwatch").put_metric_alarm(**shaped(aws("cloudwatch"), "put_metric_alarm", wanted))
    return PhysicalResource(
        wanted["AlarmName"], {"Arn": aws.arn("cloudwatch", f"alarm:{wanted['AlarmName']}")}
    )


def _update_alarm(
    made: PhysicalResource, wanted: Properties, before: Properties, aws: AccountClients
) -> None:
    client = aws("cloudwatch")
    # PutMetricAlarm ignores the tags of an alarm that exists (CloudWatch API reference).
    untagged = {name: value for name, value in wanted.items() if name != "Tags"}
    client.put_metric_alarm(**shaped(client, "put_metric_alarm", untagged))
    added, removed = changed_tags(before, wanted)
    if added:
        client.tag_resource(ResourceARN=made.attributes["Arn"], Tags=added)
    if removed:
        client.untag_resource(ResourceARN=made.attributes["Arn"], TagKeys=removed)


def _delete_alarm(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("cloudwatch").delete_alarms(AlarmNames=[made.physical_id])


def _dashboard_exists(wanted: Properties, aws: AccountClients) -> bool:
    found = aws("cloudwatch").list_dashboards(DashboardNamePrefix=wanted["DashboardName"])[
        "DashboardEntries"
    ]
    return wanted["DashboardName"] in [dashboard["DashboardName"] for dashboard in found]


def _put_dashboard(wanted: Properties, aws: AccountClients) -> PhysicalResource:
    try:
        json.loads(wanted["DashboardBody"])
    except json.JSONDecodeError as error:
        raise ResourceError(
            f"The field DashboardBody must be a valid JSON object: {error}"
        ) from error
    aws("cloudwatch").put_dashboard(
        DashboardName=wanted["DashboardName"], DashboardBody=wanted["DashboardBody"]
    )
    _tag_dashboard(wanted["DashboardName"], wanted.get("Tags", []), aws)
    return PhysicalResource(wanted["DashboardName"])


def _tag_dashboard(name: str, tags: list[dict[str, str]], aws: AccountClients) -> None:
    """Put the tags where moto keeps those of alarms: it forgets a dashboard's."""
    tagger, arn = (
        cloudwatch_backends[aws.account][aws.region].tagger,
        f"arn:aws:cloudwatch::{aws.account}:dashboard/{name}",
    )
    tagger.delete_all_tags_for_resource(arn)
    tagger.tag_resource(arn, tags)


def _update_dashboard(
    _: PhysicalResource, wanted: Properties, __: Properties, aws: AccountClients
) -> None:
    _put_dashboard(wanted, aws)


def _delete_dashboard(made: PhysicalResource, _: Properties, aws: AccountClients) -> None:
    aws("cloudwatch").delete_dashboards(DashboardNames=[made.physical_id])
    _tag_dashboard(made.physical_id, [], aws)


RESOURCE_TYPES: Final = (
    kind(
        "AWS::CloudWatch::Alarm",
        _ALARM,
        name="AlarmName",
        attributes="Arn",
        tags="list",
        exists=_alarm_exists,
        create=_create_alarm,
        update=_update_alarm,
        delete=_delete_alarm,
    ),
    kind(
        "AWS::CloudWatch::Dashboard",
        "DashboardBody",
        name="DashboardName",
        tags="list",
        exists=_dashboard_exists,
        create=_put_dashboard,
        update=_update_dashboard,
        delete=_delete_dashboard,
    ),
)
