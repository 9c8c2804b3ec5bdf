"""A small world in which calls are asked for what they need."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localaws.aurora import Aurora, AuroraClient, KeyRing, VirtualClock
from localaws.iam import (
    Call,
    EncryptedSecret,
    PermissionRequest,
    ResourceLookup,
    permission_requests,
)

ACCOUNT, HERE, THERE = "123456789012", "us-west-2", "us-east-1"
FUNCTION = f"arn:aws:lambda:{HERE}:{ACCOUNT}:function:f"
TAGS = [
    {"Key": "aurora-restore", "Value": "test/default"},
    {"Key": "aurora-restore-operation", "Value": "o"},
]
OURS = [TAGS[0]]


@dataclass
class ClusterWithKey:
    """A cluster with an instance under a customer's key in one region, its snapshot in the other,
    and who asks.
    """

    keys: KeyRing = field(default_factory=KeyRing)

    def __post_init__(self) -> None:
        self.here = self.keys.create(ACCOUNT, HERE, "alias/here").arn
        self.there = self.keys.create(ACCOUNT, THERE, "alias/there").arn
        self.clock = VirtualClock(datetime(2026, 11, 26, tzinfo=UTC))
        self.aurora = Aurora(self.clock, keys=self.keys)
        self.cluster(THERE, "source", "alias/there")
        self.call(
            THERE,
            "create_db_cluster_snapshot",
            DBClusterIdentifier="source",
            DBClusterSnapshotIdentifier="s",
        )
        self.cluster(HERE, "target", "alias/here", CopyTagsToSnapshot=True, Tags=OURS)
        self.call(
            HERE,
            "create_db_instance",
            DBInstanceIdentifier="target-1",
            DBClusterIdentifier="target",
            Tags=OURS,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
        )

    def cluster(self, region: str, name: str, key: str, **how: Any) -> None:
        """Make a cluster."""
        self.call(
            region,
            "create_db_cluster",
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            EngineVersion="16.11",
            MasterUsername="master",
            MasterUserPassword="a-password",
            StorageEncrypted=True,
            KmsKeyId=key,
            **how,
        )

    def call(self, region: str, method: str, **parameters: Any) -> None:
        """Call RDS, and wait for what comes of it."""
        getattr(AuroraClient(self.aurora, account=ACCOUNT, region=region), method)(**parameters)
        self.clock.advance(3600)
        self.aurora.tick()

    def permission_requests(
        self, name: str, region: str = HERE, **parameters: Any
    ) -> list[PermissionRequest]:
        """List what a call asks for."""
        service, operation = name.split(":")
        world = ResourceLookup(
            self.aurora.find,
            self.keys,
            self.secret,
            lambda topic: "alias/here" if "closed" in topic else None,
        )
        return permission_requests(
            Call(service, operation, parameters, ACCOUNT, region, FUNCTION), world
        )

    def secret(self, account: str, region: str, name: str) -> EncryptedSecret | None:
        """Know two secrets."""
        arn = f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf"
        return {"plain": EncryptedSecret(arn), "locked": EncryptedSecret(arn, "alias/here")}.get(
            name
        )


def pairs(asked: list[PermissionRequest], beginning: str = "") -> list[tuple[str, str]]:
    """Give actions and resources, the latter without what they have in common."""
    return [
        (ask.action, ask.resource.removeprefix("arn:aws:").replace(f":{ACCOUNT}:", "::"))
        for ask in asked
        if ask.action.startswith(beginning)
    ]


def the(asked: list[PermissionRequest], action: str, resource: str) -> PermissionRequest:
    """Give the first question about an action on a resource that ends so."""
    return next(ask for ask in asked if ask.action == action and ask.resource.endswith(resource))
