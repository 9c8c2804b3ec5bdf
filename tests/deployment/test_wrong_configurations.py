"""Every wrong configuration is refused before anything is changed, with a sentence that names what
to correct.
"""

import json
import shutil
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from localaws.clients import EndpointClients
from localaws.server import Server

from aurora_restore.account.identity import Account
from aurora_restore.account.reading_clients import reading_clients
from aurora_restore.deployment import preflight
from aurora_restore.deployment.errors import NotReadyError
from aurora_restore.findings import Finding, Status, failures
from aurora_restore.stages import CHECKOUT
from demo.up.deployment import copy_app
from demo.up.resources import make_resources
from tests.deployment.packages import shared_folder
from tests.deployment.place import ACCOUNT, REGION, SOURCE_REGION, Place, make_source

CALLER = f"arn:aws:iam::{ACCOUNT}:user/somebody"
SECRETS = {
    "good-master": json.dumps(
        {"database": "shop", "username": "postgres", "password": "Fresh-0-master-password"}
    ),
    "good-app": json.dumps(
        {
            "app_username": "app",
            "app_password": "Fresh-0-app-password",
            "readonly_username": "reader",
            "readonly_password": "Fresh-0-reader-password",
        }
    ),
    "other-master": json.dumps(
        {"database": "shop", "username": "admin", "password": "Fresh-0-master-password"}
    ),
    "no-json": "hunter2",
}
ENCRYPTED, LOCKED, OLD = "encrypted-cluster", "locked-cluster", "old-cluster"
SERVERLESS = {"INSTANCE_CLASS": "db.serverless", "SERVERLESS_MIN_CAPACITY": "0.5"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run an AWS."""
    server = Server(0, tmp_path_factory.mktemp("localaws"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def place(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Give an account with everything that is right, and everything that is wrong beside it."""
    quotas = server.aurora.quotas(account=ACCOUNT, region=REGION)
    quotas.instances, quotas.manual_cluster_snapshots = 12, 0
    clients = EndpointClients(server.endpoint)
    make_source(clients)
    checkouts, shared = tmp_path_factory.mktemp("checkouts"), shared_folder(tmp_path_factory)
    place = Place(server.endpoint, clients, make_resources(clients), checkouts, shared)
    make_wrong_things(place)
    old = server.aurora._state.region(ACCOUNT, SOURCE_REGION).clusters[OLD]
    old.engine_version = "13.18"  # of which no new cluster can be made
    return place


def make_wrong_things(place: Place) -> None:
    """Make what a setting may name and should not."""
    for name, value in SECRETS.items():
        place.clients("secretsmanager", REGION).create_secret(Name=name, SecretString=value)
    rds, source = place.clients("rds", REGION), place.clients("rds", SOURCE_REGION)
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="tuned15",
        DBParameterGroupFamily="aurora-postgresql15",
        Description="old",
    )
    rds.create_db_parameter_group(
        DBParameterGroupName="tuned15",
        DBParameterGroupFamily="aurora-postgresql15",
        Description="old",
    )
    master = {
        "EngineVersion": "16.11",
        "MasterUsername": "postgres",
        "MasterUserPassword": "Production-0-password",
    }
    source.create_db_cluster(
        DBClusterIdentifier=ENCRYPTED,
        Engine="aurora-postgresql",
        StorageEncrypted=True,
        KmsKeyId=place.resources.source_key_arn,
        **master,
    )
    key = place.clients("kms", SOURCE_REGION).create_key()["KeyMetadata"]["Arn"]
    source.create_db_cluster(
        DBClusterIdentifier=LOCKED,
        Engine="aurora-postgresql",
        StorageEncrypted=True,
        KmsKeyId=key,
        **master,
    )
    place.clients("kms", SOURCE_REGION).disable_key(KeyId=key)
    source.create_db_cluster(DBClusterIdentifier=OLD, Engine="aurora-postgresql", **master)
    for name, tags in (
        ("theirs", [{"Key": "aurora-restore", "Value": "local/default"}]),
        ("nobodys", []),
    ):
        rds.create_db_cluster(
            DBClusterIdentifier=name, Engine="aurora-postgresql", Tags=tags, **master
        )


@cache
def other_vpcs_group(place: Place) -> str:
    """Make a security group in another VPC."""
    ec2 = place.clients("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return str(
        ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc)["GroupId"]
    )


@cache
def key_of(place: Place, kind: str) -> str:
    """Make a key that is disabled, or that signs."""
    kms = place.clients("kms", REGION)
    how = {"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"} if kind == "signing" else {}
    key = kms.create_key(**how)["KeyMetadata"]
    if kind == "disabled":
        kms.disable_key(KeyId=key["KeyId"])
    return str(key["Arn"])


@cache
def only_reading(endpoint: str) -> Any:
    """Give clients that refuse whatever may change something."""
    return reading_clients(
        endpoint_url=endpoint, aws_access_key_id="any", aws_secret_access_key="any"
    )


def look(place: Place, **given: Any) -> list[Finding]:
    """Check a stage as `make deploy` does, with clients that refuse every changing call."""
    filled = {
        name: value.format(
            group=other_vpcs_group(place),
            disabled=key_of(place, "disabled"),
            signing=key_of(place, "signing"),
        )
        if isinstance(value, str)
        else value
        for name, value in given.items()
    }
    checkout = place.folder / "checkout"
    if not checkout.exists():
        copy_app(checkout)
    shutil.copy(CHECKOUT / ".chalice" / "config.json", checkout / ".chalice")
    place.fill_in(checkout, "dev", filled)
    account = Account(ACCOUNT, CALLER, only_reading(place.endpoint))
    try:
        return preflight.check(place.stage("dev", checkout), checkout, account)[1]
    except NotReadyError as error:
        return [*error.findings]


def test_a_right_configuration_passes(place: Place) -> None:
    """A right configuration passes, also where people made the secrets and filled them."""
    secrets = {
        "MASTER_CREDENTIALS_SECRET_ID": "good-master",
        "APP_CREDENTIALS_SECRET_ID": "good-app",
    }
    first, named = look(place), look(place, **secrets)

    assert [] == [str(finding) for finding in (*first, *named) if finding.status is not Status.OK]
    assert "plan default" in {finding.name for finding in named}


@pytest.mark.parametrize("replacement", ["swap", "pointer", "delete-first"])
def test_every_replacement_is_checked_before_there_are_tables(
    place: Place, replacement: str
) -> None:
    """A first deployment is checked whole: nothing is recorded then, and its secrets come later."""
    found = look(place, REPLACEMENT=replacement)

    assert [] == [str(finding) for finding in found if finding.status is not Status.OK]
    assert "plan default" in {finding.name for finding in found}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"ACCOUNT_ID": "999999999999"}, "These are credentials of 123456789012"),
        (
            {"SOURCE_REGION": "us-esat-1"},
            "SOURCE_REGION is 'us-esat-1', and this boto3 knows no such region.",
        ),
        (
            {"TARGET_REGION": "us-wset-2"},
            "TARGET_REGION is 'us-wset-2', and this boto3 knows no such region.",
        ),
        (
            {"TARGET_REGION": "mx-central-1", "KMS_KEY_ID": "alias/any"},
            "rds-ca-bundle.pem has no certificate authority of mx-central-1",
        ),
        (
            {"TARGET_CLUSTER_ID": "prod-cluster", "SOURCE_REGION": REGION},
            "the target is the source cluster itself",
        ),
        (
            {"SOURCE_CLUSTER_ID": "prod-clutser"},
            "There is no cluster arn:aws:rds:us-east-1:123456789012:cluster:prod-",
        ),
        (
            {"KMS_KEY_ID": "alias/gone"},
            "There is no key alias/gone in us-west-2. Create it, or correct KMS_KEY_ID",
        ),
        ({"KMS_KEY_ID": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/gone"}, ":key/gone in us-west-2."),
        (
            {"KMS_KEY_ID": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/x"},
            "KMS_KEY_ID is a key of us-east-1",
        ),
        ({"KMS_KEY_ID": "{disabled}"}, "is Disabled, so nothing can be encrypted with it."),
        (
            {"KMS_KEY_ID": "{signing}"},
            "is SIGN_VERIFY RSA_2048. Set KMS_KEY_ID to a symmetric key for encryption.",
        ),
        (
            {"KMS_KEY_ID": None, "SOURCE_CLUSTER_ID": ENCRYPTED},
            "KMS_KEY_ID is not set, and the snapshot is encrypted.",
        ),
        ({"DB_SUBNET_GROUP_NAME": "nowhere"}, "There is no DB subnet group nowhere in us-west-2."),
        (
            {"VPC_SECURITY_GROUP_IDS": "sg-00000000"},
            "There is no security group sg-00000000 in us-west-2.",
        ),
        (
            {"VPC_SECURITY_GROUP_IDS": "{group}"},
            "where the subnet group staging is. Name security groups of that VPC",
        ),
        ({"INSTANCE_CLASS": "large"}, "INSTANCE_CLASS is 'large' in .chalice/config.json"),
        (
            {"INSTANCE_CLASS": "db.r4.large"},
            "us-west-2 has no db.r4.large for aurora-postgresql 16.11.",
        ),
        (
            {"INSTANCE_CLASS": "db.r6g.lagre"},
            "us-west-2 has no db.r6g.lagre for aurora-postgresql 16.11.",
        ),
        (
            {"DB_CLUSTER_PARAMETER_GROUP_NAME": "gone"},
            "There is no DB cluster parameter group gone in us-west-2.",
        ),
        (
            {"DB_CLUSTER_PARAMETER_GROUP_NAME": "tuned15"},
            "tuned15 is of the family aurora-postgresql15, the snapshot",
        ),
        ({"DB_PARAMETER_GROUP_NAME": "gone"}, "There is no DB parameter group gone in us-west-2."),
        (
            {"DB_PARAMETER_GROUP_NAME": "tuned15"},
            "tuned15 is of the family aurora-postgresql15, the snapshot",
        ),
        (
            dict.fromkeys(
                ("MASTER_CREDENTIALS_SECRET_ID", "APP_CREDENTIALS_SECRET_ID"), "good-app"
            ),
            "the same secret",
        ),
        (
            {"APP_CREDENTIALS_SECRET_ID": "gone"},
            "APP_CREDENTIALS_SECRET_ID names gone, which is not there.",
        ),
        ({"APP_CREDENTIALS_SECRET_ID": "no-json"}, "The secret no-json is not JSON."),
        (
            {"APP_CREDENTIALS_SECRET_ID": "good-master"},
            "The secret good-master is not well-formed: look at app_passw",
        ),
        (
            {"MASTER_CREDENTIALS_SECRET_ID": "other-master"},
            "names the master user admin, the snapshot's is postgres.",
        ),
        (
            {"SNS_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:gone"},
            "There is no topic arn:aws:sns:us-west-2:1234567",
        ),
        ({"SNS_TOPIC_ARN": "restores"}, "SNS_TOPIC_ARN is 'restores' in .chalice/config.json"),
        ({"SERVERLESS_MAX_CAPACITY": "4"}, "set both or neither"),
        (
            {**SERVERLESS, "SERVERLESS_MAX_CAPACITY": "0.7"},
            "SERVERLESS_MAX_CAPACITY is '0.7' in .chalice/config.json",
        ),
        (
            {**SERVERLESS, "SERVERLESS_MAX_CAPACITY": "300"},
            "it should be less than or equal to 256.",
        ),
        ({"PORT": "80"}, "it should be greater than or equal to 1150."),
        ({"BACKUP_RETENTION_DAYS": "0"}, "it should be greater than or equal to 1."),
        ({"INSTANCE_COUNT": "17"}, "it should be less than or equal to 16."),
        (
            {"INSTANCE_COUNT": "16"},
            (
                "The quota DBInstances of us-west-2 is 12, 0 are used and 16 more are needed. Set "
                "INSTANCE_COUNT"
            ),
        ),
        (
            {"LOG_EXPORTS": "postgresql,slowquery"},
            "aurora-postgresql 16.11 has no log slowquery to export.",
        ),
        ({"INSTANCE_CLAS": "db.r6g.large"}, "did you mean INSTANCE_CLASS?"),
        ({"TARGET_CLUSTER_ID": "theirs"}, "belongs to local/default, not to dev/default"),
    ],
    ids=lambda value: (
        ""
        if isinstance(value, str)
        else " ".join(f"{name}={option}" for name, option in value.items())
    ),
)
def test_a_wrong_configuration_is_refused(
    place: Place, given: dict[str, Any], sentence: str
) -> None:
    """A wrong configuration is refused before anything is changed: these clients refuse all calls
    that are not reads.
    """
    found = failures(look(place, **given))

    assert [] != [finding for finding in found if sentence in str(finding)], [
        str(finding) for finding in found
    ]
    assert [] == [finding for finding in found if "could not be" in str(finding).lower()]


def test_a_target_that_is_nobodys_is_a_warning_with_the_command_that_adopts_it(
    place: Place,
) -> None:
    """A cluster that the app did not make is a warning as the target: people may adopt it, and
    until then it is left alone.
    """
    found = look(place, TARGET_CLUSTER_ID="nobodys")
    (told,) = [finding for finding in found if finding.name == "target"]

    assert [] == failures(found)
    assert Status.WARNING is told.status
    assert "aws rds add-tags-to-resource --region us-west-2" in told.do


@pytest.mark.parametrize(
    ("given", "check", "sentence"),
    [
        (
            {
                "TARGET_CLUSTER_ID": "nobodys",
                "SKIP_FINAL_SNAPSHOT": "false",
                "REPLACEMENT": "delete-first",
            },
            "quotas",
            "The quota ManualClusterSnapshots of us-west-2 is 0, 0 are used and 1 more are needed.",
        ),
        (
            {"SOURCE_CLUSTER_ID": OLD},
            "engine version",
            "Upgrade production to version 14 or later.",
        ),
        ({"SOURCE_CLUSTER_ID": LOCKED}, "source key", "which is Disabled. Enable that key."),
    ],
    ids=["snapshots", "engine version", "source key"],
)
def test_what_no_setting_mends_is_a_warning(
    place: Place, given: dict[str, Any], check: str, sentence: str
) -> None:
    """A problem that no setting corrects is a warning, and the deployment goes on, because it may
    correct it.
    """
    found = look(place, **given)
    told = [str(finding) for finding in found if finding.name == check]

    assert [] == [str(failure) for failure in failures(found)]
    assert [True] == [
        line.startswith(f"{check}: WARNING (") and sentence in line for line in told
    ], told
    assert "\n" not in told[0]


def test_a_quota_that_others_filled_is_a_warning(place: Place, server: Server) -> None:
    """A quota that other clusters use up is a warning: a deployment cannot change that."""
    quotas = server.aurora.quotas(account=ACCOUNT, region=REGION)
    before, quotas.clusters = quotas.clusters, 2
    found = look(place)
    quotas.clusters = before
    (told,) = [finding for finding in found if finding.name == "quotas"]

    assert [] == [str(failure) for failure in failures(found)]
    assert Status.WARNING == told.status
    assert "The quota DBClusters of us-west-2 is 2, 2 are used and 1 more are needed." == told.what


def test_what_hangs_on_the_target_is_a_warning(place: Place, server: Server) -> None:
    """An integration that reads from the target is nothing that a setting made."""
    target = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:dev-cluster"
    warehouse = f"arn:aws:redshift:{REGION}:{ACCOUNT}:namespace:warehouse"
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:integration:orders"
    integrations = server.aurora.attached("Integrations", account=ACCOUNT, region=REGION)
    integrations.append({"IntegrationArn": arn, "SourceArn": target, "TargetArn": warehouse})
    found = look(place)
    integrations.clear()
    (told,) = [finding for finding in found if finding.name == "attachments"]

    assert [] == [str(failure) for failure in failures(found)]
    assert Status.WARNING == told.status
    assert f"the integration {arn} reads from {target}." in told.what


def test_the_value_of_the_stages_own_secret_is_a_warning(place: Place) -> None:
    """A wrong value in the stage's own secret is a warning: people correct the value, and no
    setting does.
    """
    secrets, name = place.clients("secretsmanager", REGION), "aurora-restore/dev/app-db-credentials"
    secrets.create_secret(Name=name, SecretString="hunter2")
    found = look(place)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    assert [] == [str(failure) for failure in failures(found)]
    assert ["application secret: WARNING"] == [
        str(finding).partition(" (")[0]
        for finding in found
        if "hunter2" not in str(finding) and finding.status is Status.WARNING
    ]


def test_a_second_plan_is_checked_too(place: Place) -> None:
    """A second plan is checked too, under its name."""
    name = "/aurora-restore/dev/plans/weekly/"
    ssm = place.clients("ssm", REGION)
    values = {"target-cluster-id": "weekly-cluster", "instance-class": "db.r4.large"}
    for parameter, value in values.items():
        ssm.put_parameter(Name=name + parameter, Value=value, Type="String")
    found = failures(look(place))
    ssm.delete_parameters(Names=[name + parameter for parameter in values])

    assert ["instance class of plan weekly"] == [finding.name for finding in found]
