"""Copying cluster snapshots: to another region, account or key.

Aurora tells nobody when a copy is done.
"""

from dataclasses import replace

from localaws.aurora import arns, storage
from localaws.aurora.errors import invalid_value, snapshot_state
from localaws.aurora.names import new_identifier
from localaws.aurora.quota_checks import (
    MANUAL,
    refuse_another_copy,
    refuse_another_snapshot,
    refuse_taken_snapshot,
)
from localaws.aurora.records import Encryption, Snapshot, Tags
from localaws.aurora.responses import show_new_copy
from localaws.aurora.sharing import find_snapshot
from localaws.aurora.state import Answer, AuroraState, Request
from localaws.aurora.tags import checked, read_tags


def copy_db_cluster_snapshot(request: Request) -> Answer:
    """Start a copy in the caller's region; the answer says that it is available, as its source is.

    The source is named by ARN unless it lies in this region and account. A copy has the creation
    time of its source.

    `PreSignedUrl` and `SourceRegion` are accepted because AWS itself ignores them outside GovCloud
    (RDS API reference, CopyDBClusterSnapshot).
    """
    target = new_identifier(request, "TargetDBClusterSnapshotIdentifier")
    source = find_snapshot(request, request["SourceDBClusterSnapshotIdentifier"], any_region=True)
    if source.status != "available":
        raise snapshot_state(
            f"Snapshot {source.identifier} is {source.status}; an available one can be copied."
        )
    refuse_taken_snapshot(request.region, target)
    refuse_another_snapshot(request.region)
    refuse_another_copy(request.region)
    # Everything that is not named here is the source's, also the time of its creation.
    copy = replace(
        source,
        arn=request.region.arn(arns.SNAPSHOT, target),
        key=request.state.identities.resource_id("snapshot"),
        snapshot_type=MANUAL,
        encryption=_encryption(request, source),
        tags=_tags(request, source),
        status="copying",
        started_at=None,
        origin=source,
        has_data=False,
        shared_with=set(),
    )
    request.region.snapshots[target] = copy
    _join_queue(request.state, copy)
    return {"DBClusterSnapshot": show_new_copy(request.state, copy, source)}


def _tags(request: Request, source: Snapshot) -> Tags:
    """Return the copy's tags.

    Those given; else the source's, if they are asked for and the source is the caller's own.
    """
    # Tags of another account's snapshot are not visible, and are never copied.
    own = read_tags(request)
    is_ours = source.arn.account == request.region.account
    return (
        own
        if own or not (request.get("CopyTags", False) and is_ours)
        else checked(dict(source.tags))
    )


def _encryption(request: Request, source: Snapshot) -> Encryption:
    """Return what the copy is encrypted under; both keys must be usable.

    An unencrypted source stays unencrypted and takes no key; a key is obligatory when an encrypted
    one crosses a region or an account (RDS API reference, CopyDBClusterSnapshot). What holds for
    one under a key that AWS owns is said nowhere.
    """
    aws_owned = request.state.choices.copy_of_aws_owned if _is_aws_owned(source) else "needs"
    if aws_owned == "refuses" and "KmsKeyId" in request:
        raise invalid_value("KmsKeyId cannot be given for a snapshot under a key that AWS owns.")
    if not source.encryption.encrypted:
        if "KmsKeyId" in request:
            raise invalid_value(
                "KmsKeyId cannot be given when the source snapshot is not encrypted."
            )
        return source.encryption
    if source.encryption.key_arn:
        request.state.usable_key(
            request.state.region_of(source.arn),
            source.encryption.key_arn,
            account=request.region.account,
        )
    if "KmsKeyId" in request:
        key = request.state.usable_key(request.region, request["KmsKeyId"])
        return Encryption("sse-kms", key.arn, key.manager)
    home = (source.arn.account, source.arn.region)
    if aws_owned == "needs" and home != (request.region.account, request.region.name):
        raise invalid_value(
            "KmsKeyId must be given to copy an encrypted snapshot from another region or account."
        )
    return source.encryption


def _is_aws_owned(snapshot: Snapshot) -> bool:
    return snapshot.encryption.kind == "sse-rds"


def _join_queue(state: AuroraState, copy: Snapshot) -> None:
    """Let copies of one source be made one after another; those that wait show no progress."""
    queue = state.copies_by_source.setdefault(_source_arn(copy), [])
    queue.append(copy)
    if queue[0] is copy:
        _start(state, copy)


def dequeue(state: AuroraState, copy: Snapshot) -> None:
    """Let the next copy of the same source begin if this one was under way."""
    queue = state.copies_by_source.get(_source_arn(copy), [])
    if copy not in queue:
        return
    was_first = queue[0] is copy
    queue.remove(copy)
    if not queue:
        del state.copies_by_source[_source_arn(copy)]
    elif was_first:
        _start(state, queue[0])


def _source_arn(copy: Snapshot) -> str:
    return str(copy.origin.arn) if copy.origin else ""


def _start(state: AuroraState, copy: Snapshot) -> None:
    source = copy.origin
    copy.started_at = state.now
    if source is None or source.status != "available":
        fail(state, copy)
        return
    state.perform(
        lambda: state.data.copy_snapshot(source.key, copy.key),
        lambda: _copied(state, copy),
        lambda _error: fail(state, copy),
    )


def _copied(state: AuroraState, copy: Snapshot) -> None:
    """Let time pass now that the data is there.

    A copy that failed or was cancelled meanwhile leaves none behind.
    """
    storage.keep(state, copy)
    if copy.status == "copying":
        state.later(state.durations.copy, lambda: _finish(state, copy))


def _finish(state: AuroraState, copy: Snapshot) -> None:
    if copy.status != "copying":
        return
    # A source that was deleted meanwhile fails the copy; its data may be gone.
    vanished = copy.origin is None or copy.origin.status != "available"
    if vanished or str(copy.arn) in state.faults.failing_copies:
        fail(state, copy)
        return
    # Aurora emits no event for the end of a copy, whatever it is (user guide, cluster snapshot
    # events): whoever waits for it has to look.
    copy.status = "available"
    dequeue(state, copy)


def fail(state: AuroraState, copy: Snapshot) -> None:
    """End a copy as `failed`; no event says so."""
    state.faults.failing_copies.discard(str(copy.arn))
    copy.status = "failed"
    storage.forget(state, copy)
    dequeue(state, copy)
