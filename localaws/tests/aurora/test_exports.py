"""Exports of snapshots to S3: how tasks go, what is refused, and what is told."""

from collections.abc import Iterator
from typing import Any

import pytest
from localaws.aurora import Aurora, AuroraClient, KeyRing, VirtualClock
from localaws.export_buckets import BucketExports
from tests.aurora.buckets import (
    BUCKET,
    ON_BUCKET,
    ON_OBJECTS,
    ROLE_ARN,
    SNAPSHOT_ARN,
    Buckets,
    buckets,
    request,
)
from tests.aurora.recording import RecordingData
from tests.aurora.scene import (
    ACCOUNT,
    KEY_ALIAS,
    OTHER_ACCOUNT,
    SOURCE,
    TARGET,
    Rds,
    Scene,
    code_of,
    message_of,
)

START, EXPORT = 300, 1800
Emitted = list[dict[str, Any]]


@pytest.fixture
def target() -> Iterator[Buckets]:
    """Give a bucket and a role."""
    with buckets() as made:
        yield made


@pytest.fixture
def aurora(
    clock: VirtualClock,
    keys: KeyRing,
    emitted: Emitted,
    stored: RecordingData,
    target: Buckets,
) -> Aurora:
    """Return the model with moto's buckets."""
    del target
    return Aurora(clock, keys=keys, data=stored, emit=emitted.append, exports=BucketExports())


@pytest.fixture(autouse=True)
def snapshot(scene: Scene) -> Any:
    """Take the snapshot that is exported."""
    scene.cluster()
    return scene.snapshot()


def tasks(scene: Scene, **options: Any) -> list[Any]:
    """Describe the tasks of the source region."""
    return list(scene.rds(SOURCE).describe_export_tasks(**options)["ExportTasks"])


def start(scene: Scene, **other: Any) -> Any:
    """Start an export."""
    return scene.rds(SOURCE).start_export_task(**request(**other))


def refusal(scene: Scene, **other: Any) -> str:
    """Return the code that an export is refused with."""
    return code_of(scene.rds(SOURCE).start_export_task, **request(**other))


def progress(scene: Scene) -> tuple[str, int]:
    """Return how far the one task is."""
    (task,) = tasks(scene)
    return task["Status"], task["PercentProgress"]


def test_a_task_starts_runs_and_is_complete(scene: Scene, snapshot: Any) -> None:
    """An export task starts, runs and completes; its progress follows time, and its key is shown by
    ARN.
    """
    begun = start(scene, S3Prefix="prod", ExportOnly=["shop.public"])
    seen = []
    for seconds in (START, EXPORT // 2, EXPORT // 2):
        scene.pass_time(seconds)
        seen.append(progress(scene))
    (ended,) = tasks(scene)

    assert ("STARTING", 0) == (begun["Status"], begun["PercentProgress"])
    assert [("IN_PROGRESS", 0), ("IN_PROGRESS", 50), ("COMPLETE", 100)] == seen
    assert EXPORT == (ended["TaskEndTime"] - ended["TaskStartTime"]).total_seconds()
    assert snapshot["SnapshotCreateTime"] == ended["SnapshotTime"]
    assert ended["KmsKeyId"].startswith(f"arn:aws:kms:{SOURCE}:{ACCOUNT}:key/")
    assert {
        "SourceArn": SNAPSHOT_ARN,
        "S3Bucket": BUCKET,
        "S3Prefix": "prod",
        "ExportOnly": ["shop.public"],
        "IamRoleArn": ROLE_ARN,
        "SourceType": "SNAPSHOT",
        "TotalExtractedDataInGB": 0,
    }.items() <= ended.items()


def test_clusters_without_data_leave_an_empty_bucket(scene: Scene, target: Buckets) -> None:
    """An export of a cluster without data writes no files, because no file may claim rows that
    nobody has.
    """
    start(scene)
    scene.settle()

    assert ("COMPLETE", 100) == progress(scene)
    assert {} == target.files


def test_a_task_is_canceled_and_leaves_its_data(scene: Scene, stored: RecordingData) -> None:
    """A canceled task is CANCELING for a while, and then the data that it kept of the snapshot are
    gone.
    """
    before = dict(stored.snapshots)
    start(scene)
    scene.pass_time(START + EXPORT // 2)
    canceling = scene.rds(SOURCE).cancel_export_task(ExportTaskIdentifier="monthly")
    scene.settle()

    assert "CANCELING" == canceling["Status"]
    assert ("CANCELED", 53) == progress(scene)
    assert before == stored.snapshots
    assert "InvalidExportTaskStateFault" == code_of(
        scene.rds(SOURCE).cancel_export_task, ExportTaskIdentifier="monthly"
    )


def test_the_snapshot_may_be_deleted_meanwhile(scene: Scene, stored: RecordingData) -> None:
    """The snapshot may be deleted meanwhile: the task goes on with its data and leaves none behind
    (Aurora user guide).
    """
    start(scene)
    scene.rds(SOURCE).delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="by-hand")
    scene.settle()

    assert ("COMPLETE", 100) == progress(scene)
    assert {} == stored.snapshots


@pytest.mark.parametrize("broken", ["bucket", "role", "key"])
def test_a_task_fails_with_its_cause(
    scene: Scene, target: Buckets, keys: KeyRing, emitted: Emitted, broken: str
) -> None:
    """A task fails with its cause when its bucket, role or key no longer exists at its end."""
    key = start(scene)["KmsKeyId"]
    if broken == "bucket":
        target.forget()
    elif broken == "role":
        target.allow(*ON_BUCKET)
    else:
        keys.disable(key)
    scene.settle()
    (ended,) = tasks(scene)
    named = {"bucket": BUCKET, "role": ROLE_ARN, "key": key}[broken]

    assert "FAILED" == ended["Status"]
    assert named in ended["FailureCause"]
    assert "RDS-EVENT-0162" == emitted[-1]["detail"]["EventID"]


def test_the_events_of_an_export_name_its_snapshot(scene: Scene, emitted: Emitted) -> None:
    """A task that completes has event 0164 on its snapshot, one that was canceled event 0163."""
    emitted.clear()
    start(scene)
    scene.settle()
    start(scene, ExportTaskIdentifier="second")
    scene.rds(SOURCE).cancel_export_task(ExportTaskIdentifier="second")
    scene.settle()
    told = [event["detail"] for event in emitted]

    assert ["RDS-EVENT-0164", "RDS-EVENT-0163"] == [event["EventID"] for event in told]
    assert [(SNAPSHOT_ARN, "CLUSTER_SNAPSHOT", ["notification"])] * 2 == [
        (event["SourceArn"], event["SourceType"], event["EventCategories"]) for event in told
    ]


@pytest.mark.parametrize(
    ("code", "other"),
    [
        ("DBClusterSnapshotNotFoundFault", {"SourceArn": f"{SNAPSHOT_ARN}-2"}),
        ("DBSnapshotNotFound", {"SourceArn": f"arn:aws:rds:{SOURCE}:{ACCOUNT}:snapshot:one"}),
        ("InvalidParameterValue", {"SourceArn": "by-hand"}),
        ("InvalidParameterValue", {"ExportTaskIdentifier": "-"}),
        ("InvalidParameterValue", {"S3Prefix": "a:b"}),
        ("InvalidS3BucketFault", {"S3BucketName": "nowhere"}),
        ("IamRoleNotFound", {"IamRoleArn": f"{ROLE_ARN}-2"}),
        ("IamRoleNotFound", {"IamRoleArn": "exporter"}),
        ("KMSKeyNotAccessibleFault", {"KmsKeyId": "alias/none"}),
        ("InvalidExportOnly", {"ExportOnly": ["shop", "a.b.c.d"]}),
        ("InvalidExportOnly", {"ExportOnly": ["shop."]}),
        ("InvalidExportOnly", {"ExportOnly": ["shop.my-schema"]}),
    ],
)
def test_what_is_wrong_is_refused(scene: Scene, code: str, other: dict[str, Any]) -> None:
    """A wrong request is refused with RDS's own codes, and no task is begun."""
    assert code == refusal(scene, **other)
    assert [] == tasks(scene)


def test_a_cluster_is_refused_as_not_modelled(scene: Scene) -> None:
    """An export of a cluster, which AWS has, is refused as not modelled."""
    arn = scene.describe()["DBClusterArn"]
    refused = message_of(scene.rds(SOURCE).start_export_task, **request(SourceArn=arn))

    assert f"The export of a cluster ({arn}) is not modelled by localaws." == refused


def test_another_accounts_snapshot_is_refused_as_not_modelled(scene: Scene, rds: Rds) -> None:
    """A snapshot of another account is refused as not modelled, even one that is shared."""
    rds(SOURCE).modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="by-hand",
        AttributeName="restore",
        ValuesToAdd=[OTHER_ACCOUNT],
    )
    other = rds(SOURCE, account=OTHER_ACCOUNT)

    assert "LocalAwsNotModelled" == code_of(other.start_export_task, **request())


def test_only_an_available_snapshot_is_exported_by_one_task_at_a_time(scene: Scene) -> None:
    """Only an available snapshot is exported, by one task at a time; a task needs a new name."""
    scene.rds(SOURCE).create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="new", DBClusterIdentifier="prod-cluster"
    )
    new = f"arn:aws:rds:{SOURCE}:{ACCOUNT}:cluster-snapshot:new"
    creating = refusal(scene, SourceArn=new)
    start(scene)
    busy = refusal(scene, ExportTaskIdentifier="second")
    scene.settle()

    assert ("InvalidExportSourceState", "InvalidExportSourceState") == (creating, busy)
    assert "ExportTaskAlreadyExists" == refusal(scene)
    assert "accepted" == refusal(scene, ExportTaskIdentifier="second")


def test_a_sixth_task_at_a_time_is_refused(scene: Scene) -> None:
    """A sixth task at a time is refused: five is AWS's limit for an account."""
    arns = [scene.snapshot(f"s{number}")["DBClusterSnapshotArn"] for number in range(6)]
    codes = [refusal(scene, ExportTaskIdentifier=f"t{n}", SourceArn=a) for n, a in enumerate(arns)]

    assert [*["accepted"] * 5, "LocalAwsNotModelled"] == codes


@pytest.mark.parametrize("missing", [*ON_BUCKET, *ON_OBJECTS])
def test_the_role_needs_every_action(scene: Scene, target: Buckets, missing: str) -> None:
    """A role that lacks one of the actions is refused, and the sentence names what is missing."""
    target.allow(*({*ON_BUCKET, *ON_OBJECTS} - {missing}))
    refused = message_of(scene.rds(SOURCE).start_export_task, **request())

    assert "IamRoleMissingPermissions" == refusal(scene)
    assert refused.endswith(f": {missing}.")


def test_the_role_must_trust_the_service_of_exports(scene: Scene, target: Buckets) -> None:
    """A role that trusts another service than the exports' is refused."""
    target.trust("rds.amazonaws.com")

    assert "IamRoleNotFound" == refusal(scene)


def test_a_bucket_of_another_region_is_refused(scene: Scene, target: Buckets) -> None:
    """A bucket of another region is refused: it must be in the snapshot's region."""
    target.forget()
    target.s3.create_bucket(BUCKET, TARGET)

    assert "InvalidS3BucketFault" == refusal(scene)


def test_a_disabled_key_is_refused(scene: Scene, keys: KeyRing) -> None:
    """A missing or disabled key is refused: an export needs one that is enabled."""
    key = keys(ACCOUNT, SOURCE, KEY_ALIAS)
    assert key is not None
    keys.disable(key.arn)

    assert "KMSKeyNotAccessibleFault" == refusal(scene)


@pytest.mark.parametrize(
    ("found", "options"),
    [
        (["monthly", "second"], {}),
        (["second"], {"ExportTaskIdentifier": "second"}),
        (["monthly", "second"], {"SourceArn": SNAPSHOT_ARN}),
        ([], {"SourceArn": f"{SNAPSHOT_ARN}-2"}),
        ([], {"SourceType": "CLUSTER"}),
        (["monthly"], {"Filters": [{"Name": "status", "Values": ["complete"]}]}),
        (["monthly", "second"], {"Filters": [{"Name": "s3-bucket", "Values": [BUCKET]}]}),
        (["monthly", "second"], {"Filters": [{"Name": "source-arn", "Values": [SNAPSHOT_ARN]}]}),
    ],
)
def test_tasks_are_found(scene: Scene, found: list[str], options: dict[str, Any]) -> None:
    """Export tasks are found by name, source, source type and filters."""
    start(scene)
    scene.settle()
    start(scene, ExportTaskIdentifier="second")

    assert found == [task["ExportTaskIdentifier"] for task in tasks(scene, **options)]


def test_a_task_that_is_not_there_is_not_found(scene: Scene) -> None:
    """A task that does not exist can be neither described nor canceled."""
    rds = scene.rds(SOURCE)
    calls = (rds.describe_export_tasks, rds.cancel_export_task)
    found = [code_of(call, ExportTaskIdentifier="no") for call in calls]

    assert ["ExportTaskNotFound"] * 2 == found


def test_a_server_without_s3_says_so(clock: VirtualClock, keys: KeyRing) -> None:
    """An account without S3 refuses an export and says why: nothing is accepted that cannot be
    done.
    """
    aurora = Aurora(clock, keys=keys)
    scene = Scene(
        lambda region: AuroraClient(aurora, account=ACCOUNT, region=region), aurora, clock
    )
    scene.cluster()
    scene.snapshot()

    assert "LocalAwsNotModelled" == refusal(scene)
