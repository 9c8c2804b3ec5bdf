"""What the demo sees of the two clusters before and after the restore.

It is gathered here and checked in `assertions`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from demo import aws as names
from demo import databases
from demo.activity import Activity, observe_activity
from demo.aws import Aws, Item
from demo.databases import Access, DatabaseLogin, TableContent

# Continuous backup moves both on a cluster that nobody touches.
MOVING = ("EarliestRestorableTime", "LatestRestorableTime")
STALE_TABLE = "stale_marker"  # only the staging of an earlier restore has it


@dataclass(frozen=True)
class SourceInspection:
    """The source cluster: what AWS says of it, what its tables hold, whose passwords it accepts."""

    description: Mapping[str, Any]
    instances: tuple[Mapping[str, Any], ...]
    tables: Mapping[str, TableContent]
    accepted_logins: tuple[str, ...]  # names of production's logins, the master among them
    activity: Activity = field(default_factory=Activity)


@dataclass(frozen=True)
class TargetInspection:
    """The target cluster: what AWS says of it, what its tables hold, who gets in."""

    cluster_id: str  # its present name
    resource_id: str
    status: str
    instances: Mapping[str, str]  # name to status
    tags: Mapping[str, str]
    tables: Mapping[str, TableContent]
    stale_in: tuple[str, ...]  # where the marker of stale data stands
    accepted_logins: tuple[str, ...] = ()  # of production's, with production's passwords
    own_logins_refused: tuple[str, ...] = ()  # of the app's own users
    application: tuple[Access, ...] = ()
    read_only: tuple[Access, ...] = ()
    activity: Activity = field(default_factory=Activity)
    pointers: Mapping[str, str] = field(default_factory=dict)  # place to the name that it holds


@dataclass(frozen=True)
class OperationInspection:
    """What the operation left beside the target."""

    record: Item
    trail: tuple[Item, ...]
    copy: Mapping[str, Any] | None  # the snapshot copy, as AWS describes it
    notices: tuple[Item, ...] = field(default=())  # what is in the queue about this operation


class Inspector:
    """Looks at both clusters of an endpoint, with the passwords that the secrets hold."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.production: Item = aws.secret(names.SOURCE_REGION, names.PRODUCTION_SECRET)
        self.master: Item = aws.secret(names.TARGET_REGION, names.MASTER_SECRET)
        self.app: Item = aws.secret(names.TARGET_REGION, names.APP_SECRET)

    def source(self) -> SourceInspection:
        """Inspect production."""
        cluster = self._aws.cluster(names.SOURCE_REGION, names.SOURCE_CLUSTER)
        logins, first = self._production_logins(cluster), cluster["DatabaseName"]
        return SourceInspection(
            {key: value for key, value in cluster.items() if key not in MOVING},
            tuple(self._aws.instances(names.SOURCE_REGION, cluster)),
            databases.contents(logins, first),
            _accepted(logins, databases.databases(logins[0], first)),
            observe_activity(logins[:1], first),
        )

    def target(self) -> TargetInspection:
        """Inspect staging as its own users see it."""
        cluster, instances, tags = self._described_target()
        first = self.master["database"]
        logins = [
            login for login in self._own_logins(cluster) if databases.can_log_in(login, first)
        ]
        return TargetInspection(
            cluster["DBClusterIdentifier"],
            cluster["DbClusterResourceId"],
            cluster["Status"],
            instances,
            tags,
            databases.contents(logins, first) if logins else {},
            databases.tables_called(logins[0], first, STALE_TABLE) if logins else (),
        )

    def fresh_target(self, tables_of_source: Mapping[str, TableContent]) -> TargetInspection:
        """Inspect staging as its own users see it, and try the logins of production there."""
        cluster, instances, tags = self._described_target()
        application, read_only, master = self._own_logins(cluster)
        first = self.master["database"]
        own = (application, read_only, master)
        refused = tuple(login.username for login in own if not databases.can_log_in(login, first))
        wanted = sorted({key.partition(".")[0] for key in tables_of_source})
        reachable = wanted if refused else sorted({*wanted, *databases.databases(master, first)})
        return TargetInspection(
            cluster["DBClusterIdentifier"],
            cluster["DbClusterResourceId"],
            cluster["Status"],
            instances,
            tags,
            {} if refused else databases.contents([application, master], first),
            () if refused else databases.tables_called(master, first, STALE_TABLE),
            _accepted(self._production_logins(cluster), reachable),
            refused,
            tuple(databases.access(application, name) for name in wanted),
            tuple(databases.access(read_only, name) for name in wanted),
            Activity() if refused else observe_activity([master, application], first),
            self._pointers(),
        )

    def target_cluster(self) -> Item:
        """Describe the target: the cluster that the application secret names, if it names one."""
        named = self._aws.secret(names.TARGET_REGION, names.APP_SECRET).get("cluster_id")
        return self._aws.cluster(names.TARGET_REGION, named or names.TARGET_CLUSTER)

    def _pointers(self) -> Mapping[str, str]:
        """Read which cluster the secret and the parameters name; empty where none does."""
        secret = self._aws.secret(names.TARGET_REGION, names.APP_SECRET)
        found = {
            f"the secret {names.APP_SECRET}": secret.get("cluster_id"),
            f"SSM below {names.POINTERS}": self._aws.parameters(names.POINTERS).get("cluster_id"),
        }
        return {place: name for place, name in found.items() if name}

    def application(self) -> Callable[[], DatabaseLogin]:
        """Give what an application reads before it connects.

        The host stands in its secret; without one it is the endpoint that the target has now.
        """
        first = self._own_logins(self.target_cluster())[0]

        def login() -> DatabaseLogin:
            secret = self._aws.secret(names.TARGET_REGION, names.APP_SECRET)
            if "host" not in secret:
                return first
            return replace(first, host=secret["host"], port=secret["port"])

        return login

    def outcome(self, operation_id: str) -> OperationInspection:
        """Inspect what the operation left: record, trail, snapshot copy and notifications."""
        record = self._aws.record(operation_id)
        notices = (notice for notice in self._aws.notices() if operation_id in notice["Message"])
        return OperationInspection(
            record, tuple(self._aws.trail(operation_id)), self._copy(record), tuple(notices)
        )

    def _copy(self, record: Item) -> Mapping[str, Any] | None:
        arn = record["facts"]["copies"].get("arn")
        try:
            return self._aws.snapshot(names.TARGET_REGION, arn) if arn else None
        except ClientError as error:
            if error.response["Error"]["Code"] != "DBClusterSnapshotNotFoundFault":
                raise
            return None

    def _described_target(self) -> tuple[Item, dict[str, str], dict[str, str]]:
        cluster = self.target_cluster()
        instances = self._aws.instances(names.TARGET_REGION, cluster)
        statuses = {
            instance["DBInstanceIdentifier"]: instance["DBInstanceStatus"] for instance in instances
        }
        return cluster, statuses, {tag["Key"]: tag["Value"] for tag in cluster.get("TagList", [])}

    def _own_logins(self, cluster: Item) -> tuple[DatabaseLogin, DatabaseLogin, DatabaseLogin]:
        app, master = self.app, self.master
        return (
            _login(cluster, app["app_username"], app["app_password"]),
            _login(cluster, app["readonly_username"], app["readonly_password"]),
            _login(cluster, master["username"], master["password"]),
        )

    def _production_logins(self, cluster: Item) -> list[DatabaseLogin]:
        master = self.production["master"]
        others = self.production["logins"].items()
        return [
            _login(cluster, master["username"], master["password"]),
            *(_login(cluster, *other) for other in others),
        ]


def _login(cluster: Item, username: str, password: str) -> DatabaseLogin:
    return DatabaseLogin(cluster["Endpoint"], cluster["Port"], username, password)


def _accepted(logins: list[DatabaseLogin], reachable: list[str]) -> tuple[str, ...]:
    return tuple(
        login.username
        for login in logins
        if any(databases.can_log_in(login, database) for database in reachable)
    )
