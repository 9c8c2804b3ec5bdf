"""A stage whose old target is unlike any default, and what its clusters are like."""

from dataclasses import replace
from typing import Any

from chalicelib.aws.rds import Cluster, Instance
from chalicelib.flow.baseline import Baseline
from chalicelib.flow.choreography import State
from chalicelib.flow.operation import Operation
from chalicelib.runtime import plans
from chalicelib.target.capture import captured
from simulation.history import Called
from simulation.stage import ACCOUNT, STAGE, TARGET_REGION
from tests.choreography.run_night import FaultyStage
from tests.swap.swap_stage import NAMES, SwapStage

UNSET = dict.fromkeys(
    ("DB_SUBNET_GROUP_NAME", "VPC_SECURITY_GROUP_IDS", "INSTANCE_CLASS", "INSTANCE_COUNT"), ""
)
OURS = [
    {"Key": "aurora-restore", "Value": f"{STAGE}/default"},
    {"Key": "aurora-restore-operation", "Value": "earlier"},
]
TAGS = [*OURS, {"Key": "cost centre", "Value": "42"}, {"Key": "backup", "Value": "daily"}]
ROLE = "arn:aws:iam::123456789012:role/ops/monitoring"
ENGINE, FAMILY = "aurora-postgresql", "aurora-postgresql16"
REPLACEMENTS = ("swap", "delete-first")


class DifferentStage(SwapStage):
    """A stage whose plan says nothing of the new cluster; the old one is unlike any default."""

    def __init__(self, *, staging: bool = True, **environment: str) -> None:
        settings = {**UNSET, "MONITORING_ROLE_ARN": ROLE, **environment}
        super().__init__(staging=False, **settings)
        self.network.groups["sg-odd"] = f"vpc-{TARGET_REGION}-default"
        if staging:
            self.make_old_target()

    def make_old_target(self) -> None:
        """Make a cluster and three instances that have no default at all."""
        rds = self.rds()
        subnets = rds.describe_db_subnet_groups()["DBSubnetGroups"][0]["Subnets"]
        names = [subnet["SubnetIdentifier"] for subnet in subnets]
        self.aurora.give_ipv6(account=ACCOUNT, region=TARGET_REGION, subnets=names)
        rds.create_db_subnet_group(
            DBSubnetGroupName="odd", DBSubnetGroupDescription="odd", SubnetIds=names
        )
        rds.create_db_cluster_parameter_group(
            DBClusterParameterGroupName="odd", DBParameterGroupFamily=FAMILY, Description="odd"
        )
        for name in ("odd-writer", "odd-reader"):
            rds.create_db_parameter_group(
                DBParameterGroupName=name, DBParameterGroupFamily=FAMILY, Description="odd"
            )
        rds.create_db_cluster(**self.old_cluster())
        self.settle()
        for number, member in enumerate(self.old_instances(), 1):
            rds.create_db_instance(
                DBInstanceIdentifier=f"staging-cluster-{number}",
                DBClusterIdentifier="staging-cluster",
                Engine=ENGINE,
                Tags=[*OURS, {"Key": "number", "Value": str(number)}],
                **member,
            )
        self.settle()
        (made,) = rds.describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"]
        rds.enable_http_endpoint(ResourceArn=made["DBClusterArn"])
        rds.modify_db_cluster(
            DBClusterIdentifier="staging-cluster",
            ApplyImmediately=True,
            DatabaseInsightsMode="advanced",
            EnablePerformanceInsights=True,
            PerformanceInsightsRetentionPeriod=465,
        )
        self.settle()

    def old_cluster(self) -> dict[str, Any]:
        """Give what the old cluster is made with."""
        return {
            "DBClusterIdentifier": "staging-cluster",
            "Engine": ENGINE,
            "EngineVersion": "16.11",
            "MasterUsername": "master",
            "MasterUserPassword": "Old-target-0",
            "DBSubnetGroupName": "odd",
            "VpcSecurityGroupIds": ["sg-odd", "sg-staging"],
            "Port": 6543,
            "DBClusterParameterGroupName": "odd",
            "DeletionProtection": True,
            "EnableCloudwatchLogsExports": ["instance"],
            "BackupRetentionPeriod": 9,
            "PreferredBackupWindow": "11:00-11:45",
            "PreferredMaintenanceWindow": "wed:12:00-wed:12:45",
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 1.5, "MaxCapacity": 12},
            "EnableIAMDatabaseAuthentication": True,
            "StorageType": "aurora-iopt1",
            "NetworkType": "DUAL",
            "CopyTagsToSnapshot": True,
            "Tags": TAGS,
        }

    def old_instances(self) -> list[dict[str, Any]]:
        """Give what each of the old instances is made with."""
        return [
            {
                "DBInstanceClass": "db.r6g.xlarge",
                "DBParameterGroupName": "odd-writer",
                "AvailabilityZone": f"{TARGET_REGION}c",
                "PromotionTier": 0,
                "CACertificateIdentifier": "rds-ca-ecc384-g1",
                "PreferredMaintenanceWindow": "thu:13:00-thu:13:45",
                "EnablePerformanceInsights": True,
                "PerformanceInsightsRetentionPeriod": 93,
                "PerformanceInsightsKMSKeyId": self.key_arn(),
            },
            {
                "DBInstanceClass": "db.serverless",
                "DBParameterGroupName": "odd-reader",
                "AvailabilityZone": f"{TARGET_REGION}a",
                "PromotionTier": 7,
                "AutoMinorVersionUpgrade": False,
                "MonitoringInterval": 15,
                "MonitoringRoleArn": ROLE,
            },
            {
                "DBInstanceClass": "db.r6g.large",
                "PromotionTier": 15,
                "MonitoringInterval": 60,
                "MonitoringRoleArn": ROLE,
            },
        ]


def like(stage: FaultyStage, name: str = NAMES[0]) -> Baseline:
    """Describe a cluster with its instances, without what no two clusters have in common."""
    rds = stage.rds()
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    found = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [name]}])
    instances = [*map(Instance.of, found["DBInstances"])]
    plan = plans.plan(stage.ports())
    assert plan is not None
    baseline = captured(Cluster.of(cluster), instances, plan)
    return replace(
        baseline,
        kms_key_arn=None,  # that of KMS_KEY_ID, or of the copy
        resource_id="",
        instances=tuple(replace(known, identifier="") for known in baseline.instances),
    )


def requests(stage: FaultyStage, action: str) -> list[Any]:
    """List the parameters of the functions' calls of an action."""
    entries = stage.recorder.entries
    calls = [entry for entry in entries if isinstance(entry, Called) and entry.action == action]
    return [call.parameters for call in calls]


def succeeded(operation: Operation) -> bool:
    """Tell whether it did, and if not, why."""
    assert State.SUCCEEDED is operation.state, operation.reason
    return True
