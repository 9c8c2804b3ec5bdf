"""Tries what setup-db-users has to reach from its VPC, before the old target is deleted.

No other function runs in a VPC, so a missing endpoint, route or security group shows nowhere else.
Each service is tried with a call that the function makes anyway, and the database with the port of
the old target.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from chalicelib.aws import secrets
from chalicelib.aws.client import Service, UnreachableError
from chalicelib.aws.rds import Cluster
from chalicelib.database.endpoint import BUNDLED_ROOTS, Endpoint, Login
from chalicelib.database.errors import CertificateNameError, DatabaseUnavailableError
from chalicelib.database.root_certificates import refuse_missing_authority
from chalicelib.flow.choreography import IN_VPC, NETWORK_TRIED, State
from chalicelib.flow.errors import RefusedError, TransientError
from chalicelib.flow.operation import Operation
from chalicelib.flow.outcome import Advance, Outcome, Refuse, Wait
from chalicelib.flow.plan import Plan
from chalicelib.flow.target_spec import PORT
from chalicelib.flow.text_limits import listed
from chalicelib.flow.timestamps import iso_timestamp
from chalicelib.messages.requests import ProbeRequested
from chalicelib.observability import logger
from chalicelib.ports import Ports
from chalicelib.target.cluster import observe_cluster
from chalicelib.target.preflight import LEFT, in_one

NAMES = {"events": "EventBridge", "rds": "RDS", "secretsmanager": "Secrets Manager"}
NO_LOGIN = Login("", SecretStr(""))  # a trial only connects
Problem = TransientError | RefusedError


@dataclass(frozen=True)
class Trial:
    """The result of a trial: what was reached, what could not be tried, and the problems.

    A TransientError may pass, a RefusedError does not.
    """

    reached: tuple[str, ...]
    untried: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def what(self) -> str:
        """What was reached and what was not tried, as a sentence."""
        untried = "".join(f"; not tried: {sentence}" for sentence in self.untried)
        return f"{IN_VPC} reaches {listed(self.reached)}{untried}"


def before_deletion(operation: Operation, ports: Ports) -> Outcome:
    """Allow the deletion of the old target once everything is reached.

    Problems that may pass are retried until the deadline.
    """
    trial, facts = try_network(operation.plan, ports), operation.facts
    if not trial.problems:
        return Advance(_after(operation), facts, trial.what)
    passing = all(isinstance(problem, TransientError) for problem in trial.problems)
    if passing and ports.now() < operation.deadline:
        why = " ".join(problem.reason for problem in trial.problems)
        return Wait(why, operation.plan.target.restore_check_interval, trouble=True)
    return Refuse.of(in_one(LEFT, [_lasting(problem) for problem in trial.problems]))


def _after(operation: Operation) -> State:
    """Delete a left-over cluster at once, and an old target only after a rehearsal."""
    if operation.doomed is None:
        return State.TARGET_CLEAR
    return State.TARGET_DELETING if operation.plan.target.keeps_old else State.NETWORK_REACHED


def note_trial(request: ProbeRequested, ports: Ports) -> None:
    """Try the network for the doctor, and write the result to the table, where it reads it."""
    trial = try_network(request.settings, ports)
    found = {
        "request_id": request.request_id,
        "at": iso_timestamp(ports.now()),
        "reached": list(trial.reached),
        "untried": list(trial.untried),
        "problems": [[problem.reason, _lasting(problem).remedy] for problem in trial.problems],
    }
    ports.operations.note_trial(request.settings.name, found)


def _lasting(problem: Problem) -> RefusedError:
    if isinstance(problem, RefusedError):
        return problem
    remedy = problem.remedy or "Look at the log of the function for what went wrong."
    return RefusedError(problem.reason, remedy)


def try_network(plan: Plan, ports: Ports) -> Trial:
    """Reach everything that the set-up of users needs.

    Raises TablesBusyError where DynamoDB itself does not answer.
    """
    return _Trying(plan, ports).run()


class _Trying:
    def __init__(self, plan: Plan, ports: Ports) -> None:
        self._plan, self._ports = plan, ports
        self._secrets = ports.service("secretsmanager")
        self._rds = ports.service("rds", plan.target.region)
        self._reached, self._untried, self._problems = list[str](), list[str](), list[Problem]()

    def run(self) -> Trial:
        """Try everything, one after the other; a problem stops no other trial."""
        self._ports.operations.unsecured_cluster_id(self._plan.target_cluster_arn)
        self._reached.append("DynamoDB")
        self._try(self._ports.service("events"), self._put_event)
        self._try(self._secrets, self._read_secrets)
        if self._plan.users.db_tls != "off":
            region, ca_file = self._plan.target.region, self._plan.users.db_ca_file
            self._note(lambda: refuse_missing_authority(region, ca_file))
        found: list[Cluster | None] = []
        name = self._present_name()
        if self._try(self._rds, lambda: found.append(observe_cluster(self._rds, name))):
            self._try_target(found[0])
        return Trial(tuple(self._reached), tuple(self._untried), tuple(self._problems))

    def _present_name(self) -> str:
        """Name the cluster that people use, also where the rest of the target's item is broken."""
        opened = self._ports.operations.opened_name(self._plan.target_cluster_arn)
        return opened or self._plan.target.cluster_id

    def _put_event(self) -> None:
        """Check that EventBridge answers, even by a refusal: the heartbeat announces again."""
        detail = {"plan": self._plan.name, "stage": self._plan.stage}
        try:
            self._ports.put_events([(NETWORK_TRIED, detail)])
        except UnreachableError:
            raise
        except (TransientError, RefusedError) as error:
            logger.warning("EventBridge did not take an event: %s", error)

    def _read_secrets(self) -> None:
        secrets.master_credentials(self._secrets, self._plan)
        secrets.app_credentials(self._secrets, self._plan)

    def _try(self, service: Service, call: Callable[[], object]) -> bool:
        try:
            call()
        except UnreachableError:
            self._problems.append(self._unreachable(service))
        except (TransientError, RefusedError) as error:
            self._problems.append(error)
        else:
            self._reached.append(NAMES[service.name])
            return True
        return False

    def _unreachable(self, service: Service) -> TransientError:
        name, host = NAMES[service.name], service.host
        if host and not self._ports.addresses(host):
            return TransientError(
                f"{IN_VPC} cannot resolve {host}, the name of {name}.",
                "Enable DNS resolution and DNS hostnames of its VPC, and see the VPC's DHCP "
                "options.",
            )
        return TransientError(
            f"{IN_VPC} does not reach {name} ({host or service.region}).",
            "Give its subnets a route to a NAT gateway, or an endpoint for "
            f"com.amazonaws.{service.region}.{service.name}, and let its security groups out on "
            "port 443.",
        )

    def _try_target(self, cluster: Cluster | None) -> None:
        """Try the old target's port, where something listens."""
        if reason := _why_untried(cluster):
            self._untried.append(f"the target's port, because {reason}")
        elif cluster:
            place = place_of(self._plan, cluster)
            groups = self._plan.target.vpc_security_group_ids or sorted(
                cluster.settings.security_group_ids
            )
            if self._note(lambda: self._reach(place, ", ".join(groups))):
                self._reached.append(str(place))
            planned = self._plan.target.port  # None: the old target's
            if planned and place.port != planned:
                self._untried.append(f"port {planned}, which the new target will have")

    def _reach(self, place: Endpoint, groups: str) -> None:
        try:
            self._answer(place)
        except DatabaseUnavailableError as error:
            raise TransientError(
                f"{IN_VPC} does not reach the target: {error.reason}",
                f"Let the security groups of {IN_VPC} in to {groups} on port {place.port}, see "
                "that its subnets have a route there, and that the VPC resolves the name.",
            ) from error

    def _answer(self, place: Endpoint) -> None:
        """Have the server prove its authority; after a rename it may not prove its name yet."""
        try:
            self._ports.database(place, NO_LOGIN, "").reach()
        except CertificateNameError:
            self._ports.database(replace(place, tls="verify-ca"), NO_LOGIN, "").reach()

    def _note(self, check: Callable[[], object]) -> bool:
        try:
            check()
        except (TransientError, RefusedError) as error:
            self._problems.append(error)
            return False
        return True


def _why_untried(cluster: Cluster | None) -> str | None:
    if cluster is None:
        return "there is no target yet"
    if cluster.status != "available":
        return f"the target is {cluster.status}"
    return None if cluster.members and cluster.endpoint else "the target has no instance"


def place_of(plan: Plan, cluster: Cluster) -> Endpoint:
    """Give the endpoint of a target's database, with the plan's timeout and TLS mode."""
    return Endpoint(
        host=cluster.endpoint or "",
        port=cluster.port or plan.target.port or PORT,
        connect_timeout_seconds=plan.users.db_connection_timeout,
        tls=plan.users.db_tls,
        roots=Path(plan.users.db_ca_file) if plan.users.db_ca_file else BUNDLED_ROOTS,
    )
