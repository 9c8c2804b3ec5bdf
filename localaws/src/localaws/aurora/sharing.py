"""Finding snapshots, one's own and other people's, and giving others access to them."""

from localaws.aurora import arns
from localaws.aurora.arns import Arn, is_arn
from localaws.aurora.errors import (
    RdsError,
    invalid_combination,
    invalid_value,
    snapshot_not_found,
    snapshot_state,
)
from localaws.aurora.records import Snapshot
from localaws.aurora.state import Answer, Request

EVERYBODY = "all"
RESTORE = "restore"
_ACCOUNT_DIGITS = 12


def find_snapshot(request: Request, reference: str, *, any_region: bool = False) -> Snapshot:
    """Return the snapshot that a caller names, or say that there is none for this caller.

    Another account's snapshot is found by ARN alone, and only if it is shared with the caller.
    """
    arn = (
        Arn.parse(reference) if is_arn(reference) else request.region.arn(arns.SNAPSHOT, reference)
    )
    if (
        arn is None
        or arn.kind != arns.SNAPSHOT
        or not (any_region or arn.region == request.region.name)
    ):
        raise snapshot_not_found(reference)
    snapshot = request.state.region_of(arn).snapshots.get(arn.identifier)
    # One that is not shared is as good as absent: AWS does not tell that it exists.
    if snapshot is None or not may_see(snapshot, request.region.account):
        raise snapshot_not_found(reference)
    return snapshot


def may_see(snapshot: Snapshot, account: str) -> bool:
    """Tell whether a snapshot is an account's own, or shared with it."""
    return snapshot.arn.account == account or bool(snapshot.shared_with & {account, EVERYBODY})


def describe_db_cluster_snapshot_attributes(request: Request) -> Answer:
    """List the accounts that may copy and restore a snapshot."""
    return _attributes(_own(request))


def modify_db_cluster_snapshot_attribute(request: Request) -> Answer:
    """Share a manual snapshot with accounts, or stop doing so."""
    snapshot = _own(request)
    if request["AttributeName"] != RESTORE:
        raise invalid_value(
            f"AttributeName {request['AttributeName']!r} is unknown: it can be {RESTORE!r}."
        )
    wanted = (snapshot.shared_with | set(request.get("ValuesToAdd", []))) - set(
        request.get("ValuesToRemove", [])
    )
    _refuse_unshareable(snapshot, wanted)
    if len(wanted) > request.region.quotas.accounts_per_shared_snapshot:
        raise RdsError(
            "SharedSnapshotQuotaExceeded",
            f"{snapshot.identifier} is shared with too many accounts.",
        )
    snapshot.shared_with = wanted
    return _attributes(snapshot)


def _own(request: Request) -> Snapshot:
    snapshot = find_snapshot(request, request["DBClusterSnapshotIdentifier"])
    if snapshot.arn.account != request.region.account:
        raise snapshot_not_found(request["DBClusterSnapshotIdentifier"])
    return snapshot


def _refuse_unshareable(snapshot: Snapshot, wanted: set[str]) -> None:
    """Refuse to share automated snapshots, snapshots under AWS's own keys, and bad names.

    Sharing under an AWS-owned key is not documented either way; it is refused as for a managed one.
    """
    if any(
        value != EVERYBODY and not (value.isdigit() and len(value) == _ACCOUNT_DIGITS)
        for value in wanted
    ):
        raise invalid_value(
            f"An account has {_ACCOUNT_DIGITS} digits; {sorted(wanted)} contains something else."
        )
    if snapshot.snapshot_type != "manual":
        raise snapshot_state(
            f"{snapshot.identifier} is an automated snapshot; only manual ones can be shared."
        )
    if wanted and snapshot.encryption.encrypted and snapshot.encryption.key_manager != "CUSTOMER":
        raise snapshot_state(
            f"{snapshot.identifier} is encrypted under a key of AWS's own and cannot be shared."
        )
    # Other accounts would lack the key.
    if EVERYBODY in wanted and snapshot.encryption.encrypted:
        raise invalid_combination(f"{snapshot.identifier} is encrypted and cannot be public.")


def _attributes(snapshot: Snapshot) -> Answer:
    attribute = {"AttributeName": RESTORE, "AttributeValues": sorted(snapshot.shared_with)}
    return {
        "DBClusterSnapshotAttributesResult": {
            "DBClusterSnapshotIdentifier": snapshot.identifier,
            "DBClusterSnapshotAttributes": [attribute],
        }
    }
