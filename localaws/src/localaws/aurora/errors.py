"""What the model refuses with: RDS error codes as they appear on the wire.

The modelled codes are botocore's own (RDS service model). Some keep the ending `Fault`, some drop
it, and `InvalidParameterValue` and `InvalidParameterCombination` are in no service model at all:
callers compare codes, so every code here is the exact one.
"""

NOT_MODELLED_CODE = "LocalAwsNotModelled"
"""The code of everything AWS offers and localaws does not: never accepted and then ignored."""

_NOT_FOUND_STATUS = 404
_BAD_REQUEST_STATUS = 400
_FORBIDDEN_STATUS = 403
_FORBIDDEN_CODES = frozenset(
    {"AccessDenied", "DBClusterQuotaExceededFault", "InsufficientDBClusterCapacityFault"}
)
_NOT_FOUND_ENDINGS = ("NotFound", "NotFoundFault")


class RdsError(Exception):
    """An error as RDS answers it: `code` on the wire, `message` a sentence, and `http_status`."""

    def __init__(self, code: str, message: str, http_status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.http_status = http_status if http_status is not None else status_of(code)


class InjectedError(RdsError):
    """An error that a test asked for; its code may be one that the operation does not model."""


class LocalAwsBugError(AssertionError):
    """The model itself is wrong: it answered something that AWS's service model does not allow."""


def status_of(code: str) -> int:
    """Return the HTTP status AWS sends with an error code."""
    if code in _FORBIDDEN_CODES:
        return _FORBIDDEN_STATUS
    return _NOT_FOUND_STATUS if code.endswith(_NOT_FOUND_ENDINGS) else _BAD_REQUEST_STATUS


def not_modelled(what: str) -> RdsError:
    """Refuse something AWS has and localaws has not; `what` begins the sentence and names it."""
    return RdsError(NOT_MODELLED_CODE, f"{what} is not modelled by localaws.")


def invalid_value(message: str) -> RdsError:
    """Refuse a parameter whose value is wrong by itself."""
    return RdsError("InvalidParameterValue", message)


def invalid_combination(message: str) -> RdsError:
    """Refuse parameters that do not go together, or not with the resource."""
    return RdsError("InvalidParameterCombination", message)


def cluster_not_found(identifier: str) -> RdsError:
    """Say that a cluster does not exist (the code keeps `Fault`)."""
    return RdsError("DBClusterNotFoundFault", f"DBCluster {identifier} not found.")


def instance_not_found(identifier: str) -> RdsError:
    """Say that an instance does not exist (the code drops `Fault`)."""
    return RdsError("DBInstanceNotFound", f"DBInstance {identifier} not found.")


def snapshot_not_found(identifier: str) -> RdsError:
    """Say that a cluster snapshot does not exist, or not for this caller."""
    return RdsError("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot {identifier} not found.")


def cluster_state(message: str) -> RdsError:
    """Refuse an action that the state of the cluster does not allow now."""
    return RdsError("InvalidDBClusterStateFault", message)


def wrong_state(identifier: str, status: str, *expected: str) -> RdsError:
    """Refuse an action that a cluster's status does not allow, in the words that programs match."""
    one_of = ",".join(expected)
    return cluster_state(
        f"DbCluster {identifier} is in {status} state but expected it to be one of {one_of}."
    )


def instance_state(message: str) -> RdsError:
    """Refuse an action that the state of the instance does not allow now."""
    return RdsError("InvalidDBInstanceState", message)


def snapshot_state(message: str) -> RdsError:
    """Refuse an action that the state or the type of the snapshot does not allow."""
    return RdsError("InvalidDBClusterSnapshotStateFault", message)


def key_not_accessible(reference: str) -> RdsError:
    """Say that a KMS key is missing, disabled, or in another region."""
    message = f"The KMS key [{reference}] does not exist here, is not enabled, or may not be used."
    return RdsError("KMSKeyNotAccessibleFault", message)
