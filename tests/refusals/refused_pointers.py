"""Every refusal of a target that pointers lead to, each with its remedy as a deed."""

import json

from chalicelib.database.errors import CertificateNameError
from chalicelib.flow.choreography import CANCEL_REQUESTED, REQUESTED, ROLLBACK_REQUESTED, State
from chalicelib.flow.operation import Kind, Operation
from simulation.in_memory_services import ZONE
from simulation.stage import ACCOUNT, APP, APP_SECRET, TARGET_REGION
from tests.choreography.fault_injection import refused
from tests.choreography.run_night import FaultyStage
from tests.pointer.pointer_stage import DNS_NAME, A, B, PointerStage
from tests.refusals.refused_requests import RefusedRequest
from tests.refusals.refused_swaps import a_swapped_night, back_to_the_restore
from tests.refusals.remedies import Deed, RefusalCase, both, mended, newest_restore

POINTER = {
    "REPLACEMENT": "pointer",
    "TARGET_DNS_NAME": DNS_NAME,
    "TARGET_DNS_ZONE_ID": ZONE,
}
HOUR = 3600


def record(value: str, record_type: str = "CNAME") -> Deed:
    """Have somebody make the record."""
    known = {
        "Name": DNS_NAME,
        "Type": record_type,
        "TTL": 60,
        "ResourceRecords": [{"Value": value}],
    }

    def make(stage: FaultyStage) -> None:
        change = {"Action": "CREATE", "ResourceRecordSet": known}
        stage.zones.change_resource_record_sets(
            HostedZoneId=ZONE, ChangeBatch={"Changes": [change]}
        )

    return make


def without_record(stage: FaultyStage) -> None:
    """Delete the record."""
    stage.zones._records.clear()


def environment(**settings: str) -> Deed:
    """Set variables of the stage."""
    return lambda stage: stage.environment.update(settings)


def secret(value: str) -> Deed:
    """Store a value in the application secret."""
    return lambda stage: stage.secrets.put_secret_value(SecretId=APP_SECRET, SecretString=value)


def without_secret(stage: FaultyStage) -> None:
    """Delete the application secret."""
    stage.secrets.delete_secret(SecretId=APP_SECRET)


def another_certificate(stage: FaultyStage) -> None:
    """Let the new cluster's certificate have another name."""
    new = str(newest_restore(stage).facts.target.cluster_resource_id)
    stage.data.clusters[new].trouble = CertificateNameError("It has another name.", "")


def restarted(stage: FaultyStage) -> None:
    """Stop and start the new cluster, whose certificate then has its name."""
    new = str(newest_restore(stage).facts.target.cluster_resource_id)
    stage.data.clusters[new].trouble = None


def failed_cluster(stage: FaultyStage) -> None:
    """Let the new cluster fail for good."""
    stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters[A].status = "failed"


POINTERS = (
    RefusalCase(
        "a record of something else", record("other.example"), without_record, environment=POINTER
    ),
    RefusalCase(
        "a secret that names a proxy",
        secret(json.dumps({**APP, "host": "pgbouncer.internal.example", "port": 6432})),
        secret(json.dumps(APP)),
        environment=POINTER,
    ),
    RefusalCase(
        "a record that is no CNAME", record("192.0.2.1", "A"), without_record, environment=POINTER
    ),
    RefusalCase(
        "a hosted zone that does not exist",
        lambda _stage: None,
        environment(TARGET_DNS_ZONE_ID=ZONE),
        environment={**POINTER, "TARGET_DNS_ZONE_ID": "ZNONE"},
    ),
    RefusalCase(
        "a name that the hosted zone cannot have",
        lambda _stage: None,
        environment(TARGET_DNS_NAME=DNS_NAME),
        environment={**POINTER, "TARGET_DNS_NAME": "staging.elsewhere.example"},
    ),
    RefusalCase(
        "a certificate of another name, before the pointers",
        another_certificate,
        restarted,
        at=State.TARGET_CHOSEN,
        environment=POINTER,
    ),
    RefusalCase(
        "a new cluster that fails before it is pointed to",
        failed_cluster,
        at=State.TARGET_PROVEN,
        environment=POINTER,
    ),
    RefusalCase(
        "a secret that is no object any more",
        secret("[]"),
        secret(json.dumps(APP)),
        at=State.TARGET_PROVEN,
        environment=POINTER,
    ),
    RefusalCase(
        "a secret that is gone before it is written",
        without_secret,
        secret(json.dumps(APP)),
        at=State.TARGET_PROVEN,
        environment=POINTER,
    ),
)


def in_use() -> tuple[str, str]:
    """Point the secret to a left-over cluster whose deletion was decided, and back again."""
    stage = PointerStage()
    stage.inject(refused("InvalidParameterValue"), call="rds.create_db_instance", times=9)
    stage.run_night()
    stage.call_faults.clear()
    stage.run(20 * HOUR)
    stage.night()
    stage.reach(State.TARGET_DELETING)
    secret(json.dumps({**APP, "cluster_id": A}))(stage)
    return mended(stage, stage.run_until_ended(2), secret(json.dumps(APP)))


def kept_for_good() -> tuple[str, str]:
    """Keep the previous target, whose name the next cluster needs; then delete it."""
    stage = PointerStage()
    for _ in range(2):
        stage.run_night()
        stage.run(20 * HOUR)
    stage.run_night()
    stage.request(CANCEL_REQUESTED, operation_id=stage.retirements()[-1].operation_id)
    stage.run(20 * HOUR)
    return mended(stage, stage.run_night(), lambda _stage: stage.remove(B))


def pointed_target() -> tuple[str, str]:
    """Let a target that pointers lead to be swapped, then set REPLACEMENT=pointer again."""
    stage = PointerStage()
    stage.run_night()
    stage.run(20 * HOUR)
    stage.environment["REPLACEMENT"] = "swap"
    return mended(stage, stage.run_night(), environment(REPLACEMENT="pointer"))


def back_to_the_restore_of(operation: Operation) -> Deed:
    """Ask for the target that an operation replaced."""
    return lambda stage: stage.request(ROLLBACK_REQUESTED, operation_id=operation.operation_id)


def back_after_a_failure(stage: FaultyStage) -> None:
    """Let a night fail when its cluster is set up, and go back to the target before the last."""
    a_swapped_night(stage)
    (first,) = (known for known in stage.all_operations() if known.kind is Kind.RESTORE)
    stage.run(20 * HOUR)
    stage.inject(
        refused("AccessDenied"), step="swap-target", call="rds.describe_db_instances", times=99
    )
    stage.night()
    stage.run(3 * HOUR)
    stage.call_faults.clear()
    back_to_the_restore_of(first)(stage)
    stage.run(HOUR)


def rerun_of_the_restore(stage: FaultyStage) -> None:
    """Ask for a rerun of the newest restore."""
    restores = [known for known in stage.all_operations() if known.kind is Kind.RESTORE]
    stage.request(REQUESTED, rerun_of=restores[-1].operation_id)


def snapshot_of_the_restore(stage: FaultyStage) -> None:
    """Ask for the snapshot of the newest restore."""
    restores = [known for known in stage.all_operations() if known.kind is Kind.RESTORE]
    stage.request(REQUESTED, snapshot_identifier=restores[-1].facts.snapshot.arn)


POINTER_REQUESTS = (
    RefusedRequest(
        "a rerun that would make a second cluster",
        back_after_a_failure,
        rerun_of_the_restore,
        snapshot_of_the_restore,
        environment={**POINTER, "KEEP_PREVIOUS_HOURS": "48"},
    ),
    RefusedRequest(
        "a rollback of pointers that the settings no longer have",
        both(a_swapped_night, environment(REPLACEMENT="swap")),
        back_to_the_restore(request_id="first"),
        both(environment(REPLACEMENT="pointer"), back_to_the_restore(request_id="second")),
        environment=POINTER,
    ),
)
