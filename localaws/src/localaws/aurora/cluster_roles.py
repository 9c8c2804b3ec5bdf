"""IAM roles that a cluster acts with: given to it at its making, added and removed.

They are names here: no cluster acts with them, and nobody looks whether they exist.
"""

from typing import Any

from localaws.aurora.errors import RdsError, cluster_not_found, invalid_value, wrong_state
from localaws.aurora.records import AssociatedRole, Cluster
from localaws.aurora.state import Answer, AuroraState, Request

ROLES_MOST = 5  # of one cluster (user guide, quotas)
PENDING, ACTIVE = "PENDING", "ACTIVE"


def associate(request: Request, cluster: Cluster) -> None:
    """Give a new cluster the roles that its making asks for (AssociatedRoles).

    The API has no code of its own for two that are the same, or for too many.
    """
    try:
        for role in request.get("AssociatedRoles", []):
            _add(request.state, cluster, role)
    except RdsError as error:
        raise invalid_value(error.message) from None


def add_role_to_db_cluster(request: Request) -> Answer:
    """Add a role to an available cluster; it is PENDING at first, and then ACTIVE."""
    _add(request.state, _available(request), request.parameters)
    return {}


def _available(request: Request) -> Cluster:
    cluster = request.region.clusters.get(request.identifier("DBClusterIdentifier"))
    if cluster is None:
        raise cluster_not_found(request["DBClusterIdentifier"])
    if cluster.status != "available":
        raise wrong_state(cluster.identifier, cluster.status, "available")
    return cluster


def _add(state: AuroraState, cluster: Cluster, asked: Any) -> None:
    role = AssociatedRole(str(asked["RoleArn"]), asked.get("FeatureName"))
    if _find(cluster, role) is not None:
        raise RdsError("DBClusterRoleAlreadyExists", f"{role.arn} is associated already.")
    if len(cluster.roles) >= ROLES_MOST:
        raise RdsError("DBClusterRoleQuotaExceeded", f"{ROLES_MOST} roles are associated already.")
    cluster.roles.append(role)

    def active() -> None:
        role.status = ACTIVE

    state.later(state.durations.cluster_modify, active)


def _find(cluster: Cluster, wanted: AssociatedRole) -> AssociatedRole | None:
    same = (role for role in cluster.roles if role.identity == wanted.identity)
    return next(same, None)


def remove_role_from_db_cluster(request: Request) -> Answer:
    """Take a role from an available cluster."""
    cluster = _available(request)
    role = _find(cluster, AssociatedRole(str(request["RoleArn"]), request.get("FeatureName")))
    if role is None:
        raise RdsError("DBClusterRoleNotFound", f"{request['RoleArn']} is not associated.")
    cluster.roles.remove(role)
    return {}
