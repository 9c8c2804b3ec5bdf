"""Every refusal that is about settings, secrets and logins; each with its remedy as a deed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from chalicelib.flow.choreography import State
from simulation.in_memory_database import InMemoryRole
from simulation.stage import (
    ACCOUNT,
    APP,
    APP_SECRET,
    MASTER_SECRET,
    PRODUCTION_PASSWORD,
    SOURCE_REGION,
    STAGE,
    TARGET_REGION,
)
from tests.choreography.run_night import FaultyStage
from tests.refusals.refused_operations import delete_instance, name_taken
from tests.refusals.remedies import Deed, RefusalCase, both, nothing, secret, secret_text, setting

GOOD_PASSWORD = secret(MASTER_SECRET, password="Another-0-password")
GOOD_APP = secret(APP_SECRET, **APP)
OTHER_APP = secret(APP_SECRET, app_username="shop_copy")


def production_roles(stage: FaultyStage) -> dict[str, InMemoryRole]:
    """Give the roles of production, where people change them."""
    (cluster,) = stage.rds(SOURCE_REGION).describe_db_clusters(DBClusterIdentifier="prod-cluster")[
        "DBClusters"
    ]
    return stage.data.clusters[cluster["DbClusterResourceId"]].roles


def role(name: str, **how: Any) -> Deed:
    """Have production have a role."""
    return lambda stage: production_roles(stage).update(
        {name: InMemoryRole(**({"password": PRODUCTION_PASSWORD} | how))}
    )


def new_production(version: str) -> Deed:
    """Have production be of another version."""

    def upgrade(stage: FaultyStage) -> None:
        stage.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters[
            "prod-cluster"
        ].engine_version = version

    return upgrade


def without_ipv6(stage: FaultyStage) -> None:
    """Have the target have IPv4 and IPv6, and its subnet group IPv4 only by now."""
    cluster = stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters["staging-cluster"]
    cluster.options = replace(cluster.options, network_type="DUAL")


def with_ipv6(stage: FaultyStage) -> None:
    """Give each subnet of that group an IPv6 range."""
    (group,) = stage.rds().describe_db_subnet_groups(DBSubnetGroupName="default")["DBSubnetGroups"]
    subnets = [subnet["SubnetIdentifier"] for subnet in group["Subnets"]]
    stage.aurora.give_ipv6(account=ACCOUNT, region=TARGET_REGION, subnets=subnets)
    stage.rds().modify_db_subnet_group(DBSubnetGroupName="default", SubnetIds=subnets)


def support_has_ended(stage: FaultyStage) -> None:
    """Have the standard support of production's version end yesterday."""
    support, yesterday = stage.aurora._state.support, stage.clock.now() - timedelta(days=1)
    support[16] = support[16]._replace(standard_ends=yesterday)


def quota(**limits: int) -> Deed:
    """Set quotas of the target's region."""

    def put(stage: FaultyStage) -> None:
        for name, value in limits.items():
            setattr(stage.aurora.quotas(account=ACCOUNT, region=TARGET_REGION), name, value)

    return put


def group(family: str, name: str) -> Deed:
    """Create a parameter group of a family."""
    return lambda stage: stage.rds().create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily=family, Description="…"
    )


def key(*, usable: bool) -> Deed:
    """Disable the key of the target's region, or enable it."""

    def change(stage: FaultyStage) -> None:
        found = stage.keys(ACCOUNT, TARGET_REGION, "alias/aurora-restore")
        assert found is not None
        (stage.keys.enable if usable else stage.keys.disable)(found.arn)

    return change


def final_snapshot_name_taken(stage: FaultyStage) -> None:
    """Have somebody take a snapshot under the name of the final one."""
    stage.rds().create_db_cluster_snapshot(
        DBClusterIdentifier="staging-cluster",
        DBClusterSnapshotIdentifier=stage.all_operations()[-1].name_of_final_snapshot,
    )


def delete_final_snapshot(stage: FaultyStage) -> None:
    """Delete that snapshot."""
    stage.settle()
    stage.rds().delete_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=stage.all_operations()[-1].name_of_final_snapshot
    )
    stage.settle()


def way_to_production(stage: FaultyStage) -> None:
    """Have production have dblink, whose routines the master may not take from anybody."""
    (cluster,) = stage.rds(SOURCE_REGION).describe_db_clusters(DBClusterIdentifier="prod-cluster")[
        "DBClusters"
    ]
    production = stage.data.clusters[cluster["DbClusterResourceId"]]
    production.active |= {"dblink": 1}
    production.unstoppable = frozenset({"dblink"})


def password_changed(stage: FaultyStage) -> None:
    """Have somebody change the application's password on the copy, just before it is proven."""

    def change() -> None:
        (cluster,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")[
            "DBClusters"
        ]
        stage.cluster_at(cluster["Endpoint"]).roles["app_user"].password = "Changed-1"

    stage.inject(change, call="postgresql.verify_users")


def is_the_source(stage: FaultyStage) -> None:
    """Have the target's name lead to production, which carries our tag."""
    clusters = stage.aurora._state.region(ACCOUNT, TARGET_REGION).clusters
    production = stage.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters["prod-cluster"]
    clusters["staging-cluster"].resource_id = production.resource_id


def plans_topic(stage: FaultyStage) -> None:
    """Have the plan name a topic that is not there."""
    stage.parameters.put_parameter(Name=f"/aurora-restore/{STAGE}/sns-topic-arn", Value=PLANS_TOPIC)


def without_key(stage: FaultyStage) -> None:
    """Take the key out of the record, as a rerun without the setting would have it."""
    operation = stage.all_operations()[-1]
    settings = replace(operation.plan, copies=replace(operation.plan.copies, kms_key_id=None))
    hops = tuple(replace(hop, kms_key_id=None) for hop in operation.facts.copies.hops)
    facts = replace(
        operation.facts, copies=replace(operation.facts.copies, kms_key_arn=None, hops=hops)
    )
    edited = replace(operation, plan=settings, facts=facts).to_item()
    stage.edit(operation.operation_id, settings=edited["settings"], facts=edited["facts"])


PLANS_TOPIC = f"arn:aws:sns:{TARGET_REGION}:{ACCOUNT}:plans-own"
NO_KEY = {"KMS_KEY_ID": "alias/gone"}
SETTINGS = (
    # secrets
    RefusalCase(
        "no master secret",
        lambda stage: stage.secrets.delete_secret(SecretId=MASTER_SECRET),
        both(
            secret_text(MASTER_SECRET, "{}"),
            secret(
                MASTER_SECRET, database="shop", username="master", password="Another-0-password"
            ),
        ),
    ),
    RefusalCase(
        "a secret that is not JSON",
        secret_text(APP_SECRET, "hunter2"),
        both(secret_text(APP_SECRET, "{}"), GOOD_APP),
    ),
    RefusalCase("a secret that lacks a field", secret(APP_SECRET, app_password=None), GOOD_APP),
    RefusalCase("one user twice", secret(APP_SECRET, readonly_username="app_user"), GOOD_APP),
    RefusalCase(
        "a password that RDS refuses", secret(MASTER_SECRET, password="at@atatat"), GOOD_PASSWORD
    ),
    RefusalCase(
        "another master",
        secret(MASTER_SECRET, username="postgres"),
        secret(MASTER_SECRET, username="master"),
    ),
    RefusalCase(
        "a database that is not there",
        secret(MASTER_SECRET, database="nowhere"),
        secret(MASTER_SECRET, database="shop"),
    ),
    RefusalCase("the master as a user", secret(APP_SECRET, app_username="master"), GOOD_APP),
    RefusalCase("a name of RDS's", secret(APP_SECRET, app_username="rdsadmin"), GOOD_APP),
    RefusalCase("a name that is too long", secret(APP_SECRET, app_username="é" * 60), GOOD_APP),
    RefusalCase(
        "a password beyond ASCII", secret(APP_SECRET, app_password="Umlaut-ö-12"), GOOD_APP
    ),
    # logins
    RefusalCase(
        "a login that stays open",
        role("auditor", alterable=False),
        setting(KEEP_LOGIN_ROLES="auditor"),
    ),
    RefusalCase(
        "a user with attributes",
        role("app_user", can_login=False, attributes=("BYPASSRLS",)),
        OTHER_APP,
    ),
    RefusalCase(
        "a user that cannot be altered",
        role("app_user", can_login=False, alterable=False),
        role("app_user"),
    ),
    RefusalCase("a password that was changed", password_changed),
    RefusalCase(
        "a master whose password has expired", role("master", expired=True), role("master")
    ),
    RefusalCase("a master that may not log in", role("master", can_login=False), role("master")),
    RefusalCase("a master without connections", role("master", full=True), role("master")),
    RefusalCase("a master with a token", role("master", by_token="rds_ad"), role("master")),
    # what a restore needs
    RefusalCase("a key that is disabled", key(usable=False), key(usable=True)),
    RefusalCase(
        "a key that is not there",
        nothing,
        setting(KMS_KEY_ID="alias/aurora-restore"),
        environment=NO_KEY,
    ),
    RefusalCase(
        "one secret for both",
        nothing,
        setting(MASTER_CREDENTIALS_SECRET_ID=MASTER_SECRET),
        environment={"MASTER_CREDENTIALS_SECRET_ID": APP_SECRET},
    ),
    RefusalCase(
        "a group that is not there",
        nothing,
        setting(DB_SUBNET_GROUP_NAME="default"),
        environment={"DB_SUBNET_GROUP_NAME": "nowhere"},
    ),
    RefusalCase(
        "a log that the engine does not have",
        nothing,
        setting(LOG_EXPORTS="postgresql"),
        environment={"LOG_EXPORTS": "postgresql,slowquery"},
    ),
    RefusalCase(
        "a first target without settings",
        nothing,
        setting(
            DB_SUBNET_GROUP_NAME="default",
            VPC_SECURITY_GROUP_IDS="sg-staging",
            INSTANCE_CLASS="db.r6g.large",
        ),
        environment=dict.fromkeys(
            ("DB_SUBNET_GROUP_NAME", "VPC_SECURITY_GROUP_IDS", "INSTANCE_CLASS"), ""
        ),
        staging=False,
    ),
    RefusalCase(
        "a serverless target without a range",
        nothing,
        setting(SERVERLESS_MIN_CAPACITY="0.5", SERVERLESS_MAX_CAPACITY="8"),
        environment={"INSTANCE_CLASS": "db.serverless"},
    ),
    RefusalCase("a subnet group that lost IPv6", without_ipv6, with_ipv6),
    RefusalCase("no key any more", without_key, at=State.SNAPSHOT_READY),
    RefusalCase("no topic", plans_topic, lambda stage: stage.topics.create_topic(PLANS_TOPIC)),
    RefusalCase(
        "a security group elsewhere",
        lambda stage: stage.network.groups.update({"sg-staging": "vpc-elsewhere"}),
        both(
            lambda stage: stage.network.groups.update({"sg-new": f"vpc-{TARGET_REGION}-default"}),
            setting(VPC_SECURITY_GROUP_IDS="sg-new"),
        ),
    ),
    RefusalCase(
        "a group of another version",
        group("aurora-postgresql15", "tuned15"),
        both(group("aurora-postgresql16", "tuned16"), setting(DB_PARAMETER_GROUP_NAME="tuned16")),
        environment={"DB_PARAMETER_GROUP_NAME": "tuned15"},
    ),
    RefusalCase(
        "an instance name that is another's",
        name_taken("staging-cluster-3"),
        delete_instance("staging-cluster-3"),
        environment={"INSTANCE_COUNT": "3"},
    ),
    RefusalCase("a version that is too old", new_production("13.18"), new_production("16.6")),
    RefusalCase("a version that is not offered", new_production("16.99"), new_production("16.6")),
    RefusalCase(
        "a version that a restore cannot have",
        nothing,
        setting(ENGINE_VERSION="16.11"),
        environment={"ENGINE_VERSION": "16.9"},
    ),
    RefusalCase(
        "a version past its standard support",
        support_has_ended,
        setting(ENGINE_LIFECYCLE_SUPPORT="open-source-rds-extended-support"),
    ),
    RefusalCase(
        "a class that cannot be ordered",
        nothing,
        setting(INSTANCE_CLASS="db.r6g.large"),
        environment={"INSTANCE_CLASS": "db.r4.large"},
    ),
    RefusalCase(
        "an instance count above the quota",
        quota(instances=2),
        setting(INSTANCE_COUNT="1"),
        environment={"INSTANCE_COUNT": "3"},
        staging=False,
    ),
    RefusalCase("a way to production", way_to_production, setting(QUIESCE="-dblink")),
    RefusalCase("a full quota", quota(clusters=1), quota(clusters=40), staging=False),
    RefusalCase(
        "a final snapshot's name that is taken",
        final_snapshot_name_taken,
        delete_final_snapshot,
        at=State.COPYING,
        environment={"SKIP_FINAL_SNAPSHOT": "false"},
    ),
    RefusalCase(
        "the source itself",
        is_the_source,
        setting(TARGET_CLUSTER_ID="staging-two"),
        at=State.COPYING,
    ),
)
