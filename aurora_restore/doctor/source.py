"""The source: its newest snapshot, whether that can be copied, and whether events arrive."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from aurora_restore.doctor import alerting
from aurora_restore.doctor.stacks import ExpectedStack, deploy, recreate_advice
from aurora_restore.doctor.stage_plan import StagePlan, collect_refusals
from aurora_restore.documents import Described, as_list
from aurora_restore.findings import Finding, failed, ok, warning
from chalicelib.aws.rds import Snapshot
from chalicelib.flow.rds_event_ids import RDS_SOURCE, SNAPSHOT
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.snapshots.eligibility import refuse_foreign

FRESH_HOURS = (
    26  # Aurora takes one a day, within half an hour's window that somebody may have moved
)


def snapshot(view: StagePlan) -> Iterator[Finding]:
    """See that the source has a newest snapshot that would be restored, and how old it is."""
    cluster = view.plan.source_cluster_arn
    yield from view.passes("source cluster")
    if view.source is None:
        yield warning(
            f"There is no cluster {cluster}; only its snapshots are checked.",
            "Check SOURCE_CLUSTER_ID.",
        )
    if view.snapshot is None or view.snapshot.created_at is None:
        yield failed(
            f"There is no snapshot of {cluster} that would be restored.",
            "Check that SOURCE_CLUSTER_ID and SOURCE_REGION name the production cluster, and that "
            "its backups are on.",
        )
        return
    yield _age(view, view.snapshot, view.snapshot.created_at)
    with collect_refusals() as refused:
        refuse_foreign(view.snapshot, view.plan, view.facts.snapshot.source_resource_id)
    yield from refused


def _age(view: StagePlan, found: Snapshot, created_at: datetime) -> Finding:
    age = view.stage_view.now() - created_at
    hours = f"{age / timedelta(hours=1):.1f} hours"
    what = f"{found.identifier} of {iso_timestamp(created_at)} is the newest, {hours} old."
    look = (
        "Find out why there is no newer one: aws rds describe-events --region "
        f"{view.plan.source.region} --duration 2880"
    )
    if age > timedelta(hours=view.plan.source.snapshot_age_max_hours):
        return failed(
            f"{what} It would be skipped (SNAPSHOT_AGE_MAX_HOURS "
            f"{view.plan.source.snapshot_age_max_hours}).",
            look,
        )
    return warning(what, look) if age > timedelta(hours=FRESH_HOURS) else ok(what)


def copy(view: StagePlan) -> Iterator[Finding]:
    """See whether the newest snapshot can be copied, by the key it is under."""
    if view.snapshot is None:
        yield warning("There is no snapshot to copy.", "See the check `snapshot` first.")
        return
    if not view.snapshot.encrypted or not view.snapshot.kms_key_id:
        yield ok(f"{view.snapshot.identifier} is not encrypted.")
        return
    yield from view.passes("source key")
    if view.key_of_source:
        yield _sharing(view, view.key_of_source)


def _sharing(view: StagePlan, key: Described) -> Finding:
    """Say whether it could be shared: never under RDS's own key (user guide, sharing)."""
    account = view.stage_view.stage.variables.get("SOURCE_ACCOUNT_ID", "")
    if key.get("KeyManager") != "AWS":
        return ok(f"{key['Arn']} is usable.")
    if account in ("", view.stage_view.account.number):
        return ok(
            "It is under RDS's own key (aws/rds): it can be copied here, and shared with nobody."
        )
    return failed(
        "The source is encrypted under RDS's own key (aws/rds), which no other account can be let "
        "use.",
        "Copy its snapshot under a key of yours in the source's account, and share that copy.",
    )


def forwarding(view: StagePlan) -> Iterator[Finding]:
    """See that events about the source's snapshots reach the bus of the stage's region."""
    source, home = view.plan.source.region, view.stage_view.stage.region
    account = view.stage_view.stage.variables.get("SOURCE_ACCOUNT_ID", "")
    if account not in ("", view.stage_view.account.number):
        yield from _let_in(view, account)
    elif source == home:
        yield ok(f"Source and app are both in {home}: nothing has to be forwarded.")
    else:
        yield from _forwarded(view, source)
        yield from _left_behind(view, source)


def _forwarded(view: StagePlan, region: str) -> Iterator[Finding]:
    bus = view.stage_view.arn("events", "event-bus/default")
    names = view.stage_view.service("events", region).pages(
        "list_rule_names_by_target", "RuleNames", TargetArn=bus
    )
    own_first = sorted(
        names, key=lambda name: name != view.stage_view.stage.forwarding_rule
    )  # another stage's does, too
    rules = [
        view.stage_view.service("events", region).call("describe_rule", Name=name)
        for name in own_first
    ]
    listening = [rule for rule in rules if _hears_snapshots(rule)]
    enabled = [rule for rule in listening if rule["State"] == "ENABLED"]
    if enabled:
        yield from _role(view, region, str(enabled[0]["Name"]), bus)
        yield from _borrowed(view, region, str(enabled[0]["Name"]))
    elif listening:
        name = listening[0]["Name"]
        yield failed(
            f"The rule {name} in {region} is disabled.",
            f"aws events enable-rule --region {region} --name {name}",
        )
    else:
        missing = f"No rule in {region} forwards the source's snapshot events to {bus}."
        yield failed(missing, _recreate_forwarding_advice(view, region))


def _borrowed(view: StagePlan, region: str, rule: str) -> Iterator[Finding]:
    """Warn where only another stage's rule forwards: it is deleted with that stage."""
    own = view.stage_view.stage.forwarding_rule
    if rule != own:
        yield warning(
            f"The stage's own rule {own} in {region} does not forward; {rule} does, which is not "
            "this stage's and may be removed at any time.",
            _recreate_forwarding_advice(view, region),
        )


def _left_behind(view: StagePlan, region: str) -> Iterator[Finding]:
    """Count what could not be forwarded.

    It is in a queue of that region, whose alarm can tell nobody by itself.
    """
    made = view.stage_view.resources(view.stage_view.stage.forwarding_stack, region)
    for url in (
        each["PhysicalResourceId"] for each in made if each["ResourceType"] == "AWS::SQS::Queue"
    ):
        yield from alerting.waiting(view.stage_view, url, region)


def _hears_snapshots(rule: Described) -> bool:
    pattern = json.loads(rule.get("EventPattern") or "{}")
    kinds = pattern.get("detail-type", [SNAPSHOT])
    return RDS_SOURCE in as_list(pattern.get("source", [])) and SNAPSHOT in as_list(kinds)


def _role(view: StagePlan, region: str, rule: str, bus: str) -> Iterator[Finding]:
    """See that EventBridge may put events on the other region's bus, by the target's role."""
    targets = view.stage_view.service("events", region).call("list_targets_by_rule", Rule=rule)[
        "Targets"
    ]
    role_arn = next((target.get("RoleArn", "") for target in targets if target["Arn"] == bus), "")
    if role_arn and view.stage_view.find("iam", "get_role", RoleName=role_arn.rsplit("/", 1)[-1]):
        yield ok(f"{rule} in {region} forwards snapshot events to {view.stage_view.stage.region}.")
    else:
        yield failed(
            f"The rule {rule} in {region} has no role to forward with.",
            _recreate_forwarding_advice(view, region),
        )


def _recreate_forwarding_advice(view: StagePlan, region: str) -> str:
    """Say how: a stack that stands notices nothing of what others did to what it made."""
    name = view.stage_view.stage.forwarding_stack
    return (
        recreate_advice(view.stage_view, ExpectedStack("forwarding", name, region))
        if view.stage_view.resources(name, region)
        else deploy(view.stage_view)
    )


def _let_in(view: StagePlan, account: str) -> Iterator[Finding]:
    """See that the bus takes the other account's events.

    The rule over there cannot be seen from here.
    """
    found = view.stage_view.service("events").call("describe_event_bus", Name="default")
    if account in str(found.get("Policy", "")):
        see = "Look there, with that account's credentials: aws cloudformation describe-stacks."
        yield warning(
            f"The bus takes events of {account}; the rule over there cannot be seen from here.", see
        )
    else:
        yield failed(
            f"The bus of {view.stage_view.stage.region} does not take events of the account "
            f"{account}.",
            deploy(view.stage_view),
        )
