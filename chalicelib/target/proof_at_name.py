"""Proves that the new cluster opens the way its users log in: where it waits, and at its name."""

from dataclasses import replace

from chalicelib.aws import secrets
from chalicelib.aws.rds import Cluster
from chalicelib.database.endpoint import Endpoint, Login
from chalicelib.database.errors import CertificateNameError
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.facts import Restart
from chalicelib.flow.operation import Kind, Operation
from chalicelib.flow.outcome import Advance, Outcome
from chalicelib.ports import Ports
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.patience import patiently
from chalicelib.target.reachability import place_of
from chalicelib.target.restored_cluster import require_restored
from chalicelib.target.user_logins import user_logins


def prove_login(operation: Operation, ports: Ports) -> Outcome:
    """Log in as the plan's users where the cluster is; raises RefusedError.

    Before a swap that is where it waits: what would be refused at the name is met while the old
    target still serves. Users and secrets may have changed since they were set up.

    A cluster that comes back and that no operation made has users of its own: there the server only
    has to answer and to prove who it is.

    The certificate of a renamed cluster may not have its new name until the cluster was stopped and
    started (user guide, modifying a cluster): that is done where it turns out to be so. The users
    have to get in all the same, with the certificate's authority verified and its name not.
    Pointers are written only after a proof with the name.
    """
    return patiently(operation, ports, lambda: _prove(operation, ports))


def _prove(operation: Operation, ports: Ports) -> Outcome:
    plan, facts = operation.plan, operation.facts
    rds = ports.service("rds", plan.target.region)
    target = TargetCluster(rds, operation)
    cluster = require_restored(operation, target, ports)
    _refuse_old_address(operation, cluster, target, ports)
    place = place_of(plan, cluster)
    try:
        what = _log_in(operation, place, ports)
    except CertificateNameError as error:
        if operation.state is State.TARGET_CHOSEN and plan.target.points:
            raise _other_name(cluster, error) from error
        _log_in(operation, replace(place, tls="verify-ca"), ports)
        if operation.state is State.TARGET_CHOSEN:  # renamed before, and about to be once more
            return Advance(State.SWAPPING, facts, error.reason)
        if plan.target.restart_after_rename and facts.swap.restart is not Restart.DONE:
            what = f"{cluster.identifier} is restarted, as is usual after a rename: {error.reason}"
            return Advance(State.TARGET_RESTARTING, facts, what)
        return Advance(State.TARGET_OPEN, facts, error.reason, warnings=(_staying_out(error),))
    return Advance(_next_state(operation), facts, f"{what} {place}")


def _log_in(operation: Operation, place: Endpoint, ports: Ports) -> str:
    """Log in as the plan's users, and say who answers; raises RefusedError."""
    plan = operation.plan
    master = secrets.master_credentials(ports.service("secretsmanager"), plan)
    database = ports.database(place, Login(master.username, master.password), master.database)
    logins = user_logins(plan, ports) if operation.facts.users.production_logins_closed else ()
    database.reach()
    refused = [login.username for login in logins if not database.try_login(login)]
    if refused:
        raise _refused(operation, " and ".join(refused), place)
    return "the plan's users log in at" if logins else "PostgreSQL answers at"


def _refused(operation: Operation, names: str, place: Endpoint) -> RefusedError:
    if operation.kind is Kind.ROLLBACK:
        secret_id = operation.plan.users.app_credentials_secret_id
        return RefusedError(
            f"The previous target refuses {names} at {place}.",
            f"Set the passwords of the secret {secret_id} for these users there, or put the ones "
            "that they have there into the secret, and ask again.",
        )
    return RefusedError(
        f"The new cluster refuses {names} at {place}.",
        "Find out who changed the users or the secret since they were created.",
        from_step="setup-db-users",
    )


def _next_state(operation: Operation) -> State:
    if operation.state is State.TARGET_RENAMED:
        return State.TARGET_OPEN
    return State.TARGET_PROVEN if operation.plan.target.points else State.SWAPPING


def _refuse_old_address(
    operation: Operation, cluster: Cluster, target: TargetCluster, ports: Ports
) -> None:
    """Raise TransientError until the name leads to the cluster's own instances.

    The cluster that had it before has the same users, so a login would prove nothing; AWS may still
    show the instances of that one with the name. The names of instances do not change with a rename
    (user guide, modifying a cluster).
    """
    host, own = cluster.endpoint or "", operation.facts.target.instances
    members = [found for found in target.observe_instances() if found.identifier in own]
    hosts = [found.endpoint for found in members if found.endpoint]
    known = {address for name in hosts for address in ports.addresses(name)}
    leads_to = ports.addresses(host)
    if leads_to == {host}:  # an address, as localaws has: it needs no name server, and is never old
        return
    if not known & leads_to:
        raise TransientError(f"The name {host} does not lead to {cluster.resource_id} yet.")


def _other_name(cluster: Cluster, error: CertificateNameError) -> RefusedError:
    return RefusedError(
        f"The pointers are left as they are: {error.reason}",
        f"Stop and start {cluster.identifier}: its certificate then has its present name.",
    )


def _staying_out(error: CertificateNameError) -> str:
    return (
        f"{error.reason} Clients with sslmode=verify-full stay out until the cluster is stopped "
        "and started; all others get in."
    )
