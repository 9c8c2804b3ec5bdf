"""Every refusal of a swap, of the way back, and of the deletion of a previous target.

Each with its remedy as a deed.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from botocore.exceptions import ParamValidationError

from chalicelib.aws.statuses import RECOVERABLE
from chalicelib.database.errors import CertificateNameError
from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, ROLLBACK_REQUESTED, State
from chalicelib.flow.operation import Kind, Operation
from chalicelib.records.store import Change
from chalicelib.records.targets import target_key
from simulation.stage import ACCOUNT, APP_SECRET, TARGET_REGION
from tests.choreography.fault_injection import raised, refused
from tests.choreography.requests import remove_target
from tests.choreography.run_night import FaultyStage
from tests.refusals.refused_operations import status
from tests.refusals.refused_requests import (
    USERS_AGAIN,
    RefusedRequest,
    asking,
    command_of_the_remedy,
    to_the_end,
)
from tests.refusals.remedies import Deed, RefusalCase, both, mended, newest_restore, setting
from tests.refusals.scene import TARGET_ARN
from tests.swap.swap_stage import NAMES, SwapStage

TARGET, NEXT, PREVIOUS = NAMES
PREVIOUS_ARN = f"{TARGET_ARN}-previous"
PREVIOUS_WRITER = f"{TARGET_ARN.replace(':cluster:', ':db:')}-1"
SWAP = {"REPLACEMENT": "swap"}
HOUR = 3600


def renamed(name: str, to: str) -> Deed:
    """Have somebody rename a cluster, and wait until it has the name."""

    def rename(stage: FaultyStage) -> None:
        waiting = list(stage.queue)
        stage.rds().modify_db_cluster(
            DBClusterIdentifier=name, NewDBClusterIdentifier=to, ApplyImmediately=True
        )
        stage.settle(600)
        stage.queue.extend(waiting)

    return rename


def made(name: str) -> Deed:
    """Have somebody make a cluster under a name."""

    def make(stage: FaultyStage) -> None:
        waiting = list(stage.queue)
        stage.make_cluster(name, TARGET_REGION, members=0)
        stage.queue.extend(waiting)

    return make


def attached(kind: str, name: str, **members: str) -> Deed:
    """Have somebody make an integration that reads from a cluster, or a deployment of it."""
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:{name}"
    described = {member: value.replace("THE-CLUSTER", arn) for member, value in members.items()}

    def attach(stage: FaultyStage) -> None:
        found = stage.aurora.attached(kind, account=ACCOUNT, region=TARGET_REGION)
        found.append(described)

    return attach


def detached(stage: FaultyStage) -> None:
    """Delete all integrations and deployments."""
    for kind in ("Integrations", "BlueGreenDeployments"):
        stage.aurora.attached(kind, account=ACCOUNT, region=TARGET_REGION).clear()


def integration(name: str) -> Deed:
    """Have somebody make an integration that reads from a cluster."""
    arn = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:integration:orders"
    warehouse = f"arn:aws:redshift:{TARGET_REGION}:{ACCOUNT}:namespace:warehouse"
    members = {"IntegrationArn": arn, "SourceArn": "THE-CLUSTER", "TargetArn": warehouse}
    return attached("Integrations", name, **members)


def deployment(name: str, status: str = "AVAILABLE") -> Deed:
    """Have somebody make a blue/green deployment of a cluster."""
    green = f"arn:aws:rds:{TARGET_REGION}:{ACCOUNT}:cluster:green"
    members = {"Source": "THE-CLUSTER", "Target": green, "Status": status}
    identifier = {"BlueGreenDeploymentIdentifier": "bgd-one"}
    return attached("BlueGreenDeployments", name, **identifier, **members)


def deleted(name: str) -> Deed:
    """Delete a cluster that has no instances."""

    def delete(stage: FaultyStage) -> None:
        stage.rds().delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
        stage.settle(1800)

    return delete


def emptied(name: str) -> Deed:
    """Have somebody delete the instances of a cluster; no function runs meanwhile."""

    def empty(stage: FaultyStage) -> None:
        rds, waiting = stage.rds(), list(stage.queue)
        (found,) = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
        for member in sorted(found["DBClusterMembers"], key=lambda one: one["IsClusterWriter"]):
            identifier = member["DBInstanceIdentifier"]
            rds.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
        stage.settle(600)
        stage.queue.extend(waiting)

    return empty


def open_to_production(name: str) -> Deed:
    """Have an operation that stopped leave a cluster that production's passwords open."""

    def leave(stage: FaultyStage) -> None:
        made(name)(stage)
        (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
        note = {"logins_open_on": found["DbClusterResourceId"]}
        stage.operations.store.change(Change(target_key(TARGET_ARN), assign=note))

    return leave


def kept_out(stage: FaultyStage) -> None:
    """Have somebody disable a user of the new cluster, which has the target's name by now."""
    new = str(newest_restore(stage).facts.target.cluster_resource_id)
    stage.data.clusters[new].roles["app_user"].can_login = False


def back_to_the_restore(**detail: str) -> Deed:
    """Ask for the target that the newest restore replaced."""

    def ask(stage: FaultyStage) -> None:
        restore = [known for known in stage.all_operations() if known.kind is Kind.RESTORE][-1]
        stage.request(ROLLBACK_REQUESTED, operation_id=restore.operation_id, **detail)

    return ask


def its_snapshot(stage: FaultyStage) -> None:
    """Ask for the newest restore's snapshot by its identifier."""
    arn = newest_restore(stage).facts.snapshot.arn
    stage.request(REQUESTED, snapshot_identifier=arn)


def a_swapped_night(stage: FaultyStage) -> None:
    """Let a night exchange the clusters."""
    stage.night()
    _until(stage, lambda: _has(stage, State.SUCCEEDED))


def a_retirement(state: State) -> Deed:
    """Let a night exchange the clusters, and the previous one's operation come to a state."""

    def until(stage: FaultyStage) -> None:
        a_swapped_night(stage)
        _until(stage, lambda: _has(stage, state))

    return until


def a_failed_rollback(stage: FaultyStage) -> None:
    """Let a rollback fail, since AWS refuses its first rename."""
    a_swapped_night(stage)
    stage.inject(refused("AccessDenied", 403), call="rds.modify_db_cluster", times=99)
    back_to_the_restore(request_id="first")(stage)
    _until(stage, lambda: _has(stage, State.FAILED))
    stage.call_faults.clear()


def a_good_rollback(stage: FaultyStage) -> None:
    """Let a rollback exchange the clusters."""
    a_swapped_night(stage)
    back_to_the_restore(request_id="first")(stage)
    _until(stage, lambda: newest_restore(stage).state is State.SUCCEEDED)
    assert newest_restore(stage).kind is Kind.ROLLBACK


def rerun_of_the_retirement(stage: FaultyStage) -> None:
    """Ask for the newest deletion of a previous target again."""
    retired = [known for known in stage.all_operations() if known.kind is Kind.RETIRE][-1]
    stage.request(REQUESTED, rerun_of=retired.operation_id)


def failed_when_open(stage: FaultyStage) -> None:
    """Let a night fail when people have its cluster, since AWS shows no instances to its last step.

    It is as it was again afterwards.
    """
    trouble, step = refused("AccessDenied"), "archive-snapshot"
    stage.inject(trouble, step=step, call="rds.describe_db_instances", times=99)
    stage.night()
    _until(stage, lambda: _has(stage, State.FAILED))
    stage.call_faults.clear()


def longer_backups(stage: FaultyStage) -> None:
    """Have somebody change a setting of the target."""
    stage.rds().modify_db_cluster(
        DBClusterIdentifier=TARGET, BackupRetentionPeriod=9, ApplyImmediately=True
    )


def rerun_of_the_newest(stage: FaultyStage, **detail: str) -> None:
    """Ask for a rerun of the newest restore or rollback."""
    stage.request(REQUESTED, rerun_of=newest_restore(stage).operation_id, **detail)


def _has(stage: FaultyStage, state: State) -> bool:
    return any(operation.state is state for operation in stage.all_operations())


def _until(stage: FaultyStage, happened: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if happened():
            return
        stage.step_time()
    raise TimeoutError(f"It did not happen: {stage.all_operations()}.")


THIRD_AT_THE_NAME = both(renamed(TARGET, "elsewhere"), made(TARGET))
SWAPS = (
    RefusalCase(
        "another cluster at the name, before a swap",
        THIRD_AT_THE_NAME,
        remove_target,
        at=State.USERS_READY,
        environment=SWAP,
    ),
    RefusalCase(
        "another cluster at the name, in a swap",
        THIRD_AT_THE_NAME,
        remove_target,
        at=State.SWAPPING,
        environment=SWAP,
    ),
    RefusalCase(
        "users that are kept out at the name",
        kept_out,
        at=State.TARGET_RENAMED,
        environment=SWAP,
    ),
    RefusalCase(
        "another cluster under the previous target's name",
        made(PREVIOUS),
        deleted(PREVIOUS),
        environment=SWAP,
    ),
    RefusalCase(
        "a target that failed, which no swap can rename",
        status(TARGET_ARN, "failed"),
        setting(REPLACEMENT="delete-first"),
        environment=SWAP,
    ),
    RefusalCase(
        "a target whose key is disabled, which no swap can rename",
        status(TARGET_ARN, RECOVERABLE),
        status(TARGET_ARN, "available"),
        environment=SWAP,
    ),
    RefusalCase(
        "a target that is changed when people have it",
        longer_backups,
        at=State.TARGET_RENAMED,
        environment={**SWAP, "KEEP_PREVIOUS_HOURS": "0"},
    ),
    RefusalCase(
        "a left-over cluster that production's passwords open",
        open_to_production(NEXT),
        deleted(NEXT),
    ),
    RefusalCase("an integration of the target", integration(TARGET), detached),
    RefusalCase("an integration before a swap", integration(TARGET), detached, environment=SWAP),
    RefusalCase("a deployment before a swap", deployment(TARGET), detached, environment=SWAP),
    RefusalCase(
        "an integration that is made before the first deletion",
        integration(TARGET),
        detached,
        at=State.PREFLIGHT_PASSED,
    ),
    RefusalCase(
        "an SDK that refuses the restore",
        lambda stage: stage.inject(
            raised(ParamValidationError(report="Unknown parameter: Tags")),
            call="rds.restore_db_cluster_from_snapshot",
            times=9,
        ),
    ),
)


def users_of_the_restore(stage: FaultyStage) -> None:
    """Ask for the users of the first restore again."""
    first = stage.all_operations()[0].operation_id
    stage.request(REQUESTED, rerun_of=first, from_step="setup-db-users")


ROLLBACKS = (
    RefusedRequest(
        "a step of what people went back from",
        both(a_swapped_night, back_to_the_restore(), to_the_end),
        users_of_the_restore,
        command_of_the_remedy,
        environment=SWAP,
    ),
    RefusedRequest(
        "a step of what nobody restored",
        both(a_swapped_night, back_to_the_restore(), to_the_end),
        USERS_AGAIN,
        asking(),
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback of what was replaced since",
        lambda stage: stage.run_night(),
        back_to_the_restore(),
        command_of_the_remedy,
    ),
    RefusedRequest(
        "a rollback of what replaced nothing",
        a_swapped_night,
        lambda stage: stage.request(
            ROLLBACK_REQUESTED, operation_id=stage.all_operations()[-1].operation_id
        ),
        command_of_the_remedy,
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback to what is being deleted",
        a_retirement(State.PREVIOUS_DELETING),
        back_to_the_restore(),
        command_of_the_remedy,
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback to what is gone",
        a_retirement(State.RETIRED),
        back_to_the_restore(),
        command_of_the_remedy,
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback of a cluster that was renamed",
        both(a_swapped_night, renamed(TARGET, "elsewhere")),
        back_to_the_restore(),
        renamed(PREVIOUS, TARGET),
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback to a cluster without instances",
        both(a_swapped_night, emptied(PREVIOUS)),
        back_to_the_restore(),
        command_of_the_remedy,
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback to a cluster whose key is disabled",
        both(a_swapped_night, status(PREVIOUS_ARN, RECOVERABLE)),
        back_to_the_restore(request_id="first"),
        both(status(PREVIOUS_ARN, "available"), back_to_the_restore(request_id="second")),
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback to a cluster whose writer failed",
        both(a_swapped_night, status(PREVIOUS_WRITER, "failed")),
        back_to_the_restore(request_id="first"),
        both(status(PREVIOUS_WRITER, "available"), back_to_the_restore(request_id="second")),
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback while a third cluster has the name that the target would get",
        both(a_swapped_night, made(NEXT)),
        back_to_the_restore(request_id="first"),
        both(deleted(NEXT), back_to_the_restore(request_id="second")),
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback to a cluster that was renamed",
        both(a_swapped_night, renamed(PREVIOUS, "of-friday")),
        back_to_the_restore(request_id="first"),
        both(renamed("of-friday", PREVIOUS), back_to_the_restore(request_id="second")),
        environment=SWAP,
    ),
    RefusedRequest(
        "a rollback without a name",
        a_swapped_night,
        lambda stage: stage.request(ROLLBACK_REQUESTED, operation_id=""),
        back_to_the_restore(),
        environment=SWAP,
    ),
    RefusedRequest(
        "a rerun that would make an opened target anew",
        failed_when_open,
        lambda stage: rerun_of_the_newest(stage, from_step="delete-rds"),
        its_snapshot,
        environment=SWAP,
    ),
    RefusedRequest(
        "a rerun of a rollback",
        a_failed_rollback,
        rerun_of_the_newest,
        command_of_the_remedy,
        environment=SWAP,
    ),
    RefusedRequest(
        "a rerun of a rollback that succeeded",
        a_good_rollback,
        rerun_of_the_newest,
        command_of_the_remedy,
        environment=SWAP,
    ),
    RefusedRequest(
        "a rerun of a retirement that ended well",
        a_retirement(State.RETIRED),
        rerun_of_the_retirement,
        its_snapshot,
        environment=SWAP,
    ),
)


def nothing_to_delete() -> tuple[str, str]:
    """Edit a retirement's record, so that it does not say which cluster was replaced."""
    stage = SwapStage()
    restored = stage.run_night()
    (retirement,) = stage.retirements()
    facts = replace(retirement.facts, target=replace(retirement.facts.target, old=None))
    item = replace(retirement, facts=facts).to_item()
    stage.edit(retirement.operation_id, facts=item["facts"])
    failed = _ended(stage, retirement)
    old = restored.facts.target.old
    for member in old.members if old else ():  # readers first, the writer last
        stage.rds().delete_db_instance(DBInstanceIdentifier=member, SkipFinalSnapshot=True)
        stage.settle()
    deleted(PREVIOUS)(stage)
    assert State.SUCCEEDED is stage.run_night().state
    return str(failed.reason), str(failed.remedy)


def lost_target() -> tuple[str, str]:
    """Lose the target's instances while the previous one is kept, and ask for that one back."""
    stage = SwapStage()
    restored = stage.run_night()
    region = stage.aurora._state.region(ACCOUNT, TARGET_REGION)
    for name in restored.facts.target.instances:
        region.instances[name].status = "failed"
    failed = _ended(stage, *stage.retirements())
    stage.ask_back(restored)
    assert State.SUCCEEDED is stage.run_until_ended(2).state
    return str(failed.reason), str(failed.remedy)


def lost_in_a_restart() -> tuple[str, str]:
    """Lose the new cluster while it is restarted; people delete it, and name the old one."""
    stage = SwapStage()
    stage.night()
    stage.reach(State.TARGET_RENAMED)
    server = stage.data.clusters[stage.standing()[TARGET]]
    server.trouble = CertificateNameError(f"The certificate names {NEXT}.", "")
    stage.reach(State.TARGET_RESTARTING)
    status(TARGET_ARN, "failed")(stage)
    failed = stage.run_until_ended(1)
    replaced = both(emptied(TARGET), both(deleted(TARGET), renamed(PREVIOUS, TARGET)))
    return mended(stage, failed, replaced, from_step=failed.rerun_from)


def undecided() -> tuple[str, str]:
    """Lose the record of who keeps a cluster that was rolled back, then rename that cluster."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    stage.ask_back(stage.run_night())
    assert State.SUCCEEDED is stage.run_until_ended(2).state
    kept = stage.retirements()[-1].operation_id
    stage.request(CANCEL_REQUESTED, operation_id=kept)
    stage.run(HOUR)
    del stage.store.tables["state"][kept]
    return mended(stage, stage.run_night(), renamed(NEXT, "of-last-week"))


def rotated_since() -> tuple[str, str]:
    """Go back to a cluster whose users have an earlier password, then put that into the secret."""
    stage = SwapStage(KEEP_PREVIOUS_HOURS="48")
    stage.run_night()
    stage.run(20 * HOUR)
    stage.run_night()
    earlier = stage.secrets.get_secret_value(SecretId=APP_SECRET)["SecretString"]
    rotated = json.dumps({**json.loads(earlier), "app_password": "rotated-by-somebody"})
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=rotated)
    stage.ask_back(stage.restores()[1], request_id="first")
    failed = stage.run_until_ended(3)
    stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=earlier)
    stage.ask_back(stage.restores()[1], request_id="second")
    assert State.SUCCEEDED is stage.run_until_ended(4).state
    return str(failed.reason), str(failed.remedy)


def opened_elsewhere() -> tuple[str, str]:
    """Rename the target to the name of the next cluster, and back again."""
    stage = SwapStage()
    stage.run_night()
    stage.run(20 * HOUR)
    renamed(TARGET, NEXT)(stage)
    return mended(stage, stage.run_night(), renamed(NEXT, TARGET), from_step="delete-rds")


def _ended(stage: SwapStage, retirement: Operation) -> Operation:
    for _ in range(40):
        stage.run(HOUR)
        found = stage.operations.read(retirement.operation_id)
        if found and found.state is State.FAILED:
            return found
    raise TimeoutError(f"It did not fail: {stage.retirements()}.")
