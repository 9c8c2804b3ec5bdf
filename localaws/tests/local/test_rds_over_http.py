"""RDS over HTTP: an unmodified boto3 and the `aws` command line see what the model's other face
shows.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from localaws.aurora import Aurora
from localaws.server import Server
from tests.aurora.conftest import aurora, clock, emitted, keys, scene, stored
from tests.aurora.scene import ACCOUNT, SOURCE, Client, Rds, Scene, code_of, message_of
from tests.aurora.scene import __file__ as scene_module
from tests.aurora.test_custom_endpoints import client

__all__ = ["aurora", "client", "clock", "emitted", "keys", "scene", "stored"]

FACTS = {
    "test_a_cluster_is_found_by_its_resource_id_whatever_its_name_is",
    "test_a_rename_takes_two_minutes_in_which_only_the_old_name_is_found",
    "test_a_role_is_pending_then_active_then_removed",
    "test_another_class_takes_minutes_and_two_events",
    "test_another_parameter_group_is_pending_until_a_reboot",
    "test_members_are_given_anew_as_a_whole",
    "test_without_apply_immediately_a_new_name_is_pending",
    "test_a_copy_cannot_take_a_name_in_use",
    "test_a_copy_is_made_in_the_callers_region_and_takes_its_time",
    "test_a_copy_is_manual_and_remembers_its_source",
    "test_a_creating_snapshot_has_no_creation_time",
    "test_a_failed_copy_keeps_its_name_until_it_is_deleted",
    "test_a_key_that_is_missing_or_elsewhere_is_not_accessible",
    "test_a_missing_snapshot_is_refused",
    "test_a_name_in_use_is_refused",
    "test_a_restored_cluster_is_creating_and_has_no_instances",
    "test_a_snapshot_of_another_region_is_found_by_arn_only",
    "test_an_automated_snapshot_is_named_after_cluster_and_minute",
    "test_an_unencrypted_copy_takes_no_key",
    "test_another_account_copies_and_restores_a_shared_snapshot_by_arn",
    "test_another_account_does_not_see_what_is_not_shared",
    "test_five_copies_are_in_progress_at_most",
    "test_tags_given_with_a_snapshot_replace_those_of_the_cluster",
    "test_what_is_chosen_at_restore_is_in_force",
    "test_what_the_source_had_chosen_is_lost",
}
"""Tests of the model that run again here: `rds` below takes the place of the boto3-shaped client.
"""

for file in sorted(Path(scene_module).parent.glob("test_*.py")):
    module = importlib.import_module(f"tests.aurora.{file.stem}")
    globals().update({name: test for name, test in vars(module).items() if name in FACTS})


AWS = Path(sys.executable).with_name("aws")


@pytest.fixture
def server(aurora: Aurora, tmp_path: Path) -> Iterator[Server]:
    """Run a server whose Aurora is the test's own, on the test's clock."""
    running = Server(0, tmp_path / "localaws", aurora=aurora)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def rds(server: Server, session: boto3.Session) -> Rds:
    """Give boto3 clients: `rds(region, account=…, attempts=…)`."""
    return partial(_client, session, server.endpoint)


def _client(
    session: boto3.Session, endpoint: str, region: str, *, account: str = ACCOUNT, attempts: int = 1
) -> Client:
    config = Config(retries={"total_max_attempts": attempts, "mode": "standard"})
    client = session.client("rds", region_name=region, endpoint_url=endpoint, config=config)

    def name_account(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = account

    client.meta.events.register("before-sign.rds", name_account)
    return client


def aws(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the `aws` command line against a server.

    Version 1 of it has fixed host names for `rds` in us-east-1 and for `sqs` anywhere, which win
    over AWS_ENDPOINT_URL (awscli/customizations/overridesslcommonname.py); only `--endpoint-url`
    wins over them.
    """
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": SOURCE,
    }
    return subprocess.run(
        [str(AWS), "--endpoint-url", server.endpoint, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_fact_is_asked_again() -> None:
    """Each of the facts named above is a test of the model, and runs here."""
    assert set() == FACTS - globals().keys()


def test_all_pages_hold_all_snapshots_once(scene: Scene, rds: Rds) -> None:
    """Paging with MaxRecords and Marker, as boto3's paginator does it, gives each snapshot once."""
    scene.cluster(instances=0)
    for number in range(25):
        rds(SOURCE).create_db_cluster_snapshot(
            DBClusterSnapshotIdentifier=f"by-hand-{number:02}", DBClusterIdentifier="prod-cluster"
        )
        scene.settle()
    pages = (
        rds(SOURCE)
        .get_paginator("describe_db_cluster_snapshots")
        .paginate(PaginationConfig={"PageSize": 20})
    )
    sizes = [len(page["DBClusterSnapshots"]) for page in pages]

    assert [20, 5] == sizes


def test_a_modelled_error_has_its_class(rds: Rds) -> None:
    """boto3 raises the exception class of the code, with HTTP 404."""
    client = rds(SOURCE)
    with pytest.raises(client.exceptions.DBClusterNotFoundFault) as refused:
        client.describe_db_clusters(DBClusterIdentifier="nobody")

    assert 404 == refused.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert "DBClusterNotFoundFault" == refused.value.response["Error"]["Code"]


def test_an_unmodelled_code_arrives_as_it_is(scene: Scene, rds: Rds) -> None:
    """A code that is in no service model, such as that of deletion protection, arrives as it is."""
    scene.cluster(instances=0, DeletionProtection=True)
    delete = rds(SOURCE).delete_db_cluster
    found = code_of(delete, DBClusterIdentifier="prod-cluster", SkipFinalSnapshot=True)

    assert "InvalidParameterCombination" == found


def test_throttling_is_repeated_by_boto3(aurora: Aurora, rds: Rds) -> None:
    """Two throttled answers are repeated by an ordinary client, and the third answer counts."""
    aurora.fail_next("DescribeDBClusters", "Throttling", "Rate exceeded", 400, times=2)
    answer = rds(SOURCE, attempts=3).describe_db_clusters()

    assert ([], 2) == (answer["DBClusters"], answer["ResponseMetadata"]["RetryAttempts"])


def test_a_server_error_is_repeated_by_boto3(aurora: Aurora, rds: Rds) -> None:
    """HTTP 500 of the model is a server error to a client, which boto3 repeats."""
    aurora.fail_next("DescribeDBClusters", "InternalFailure", "It broke.", 500)

    assert 1 == rds(SOURCE, attempts=2).describe_db_clusters()["ResponseMetadata"]["RetryAttempts"]


def test_an_action_that_is_not_modelled_is_refused_by_name(rds: Rds) -> None:
    """An action that localaws does not model is never accepted and ignored."""
    call = rds(SOURCE).describe_option_groups

    assert "LocalAwsNotModelled" == code_of(call)
    assert "DescribeOptionGroups" in message_of(call)


def test_texts_survive_the_wire(scene: Scene, rds: Rds) -> None:
    """Spaces, signs and letters of other scripts in a tag come back as they were given."""
    value = " a = b + c @ d: été / ночь - 夜_1 "
    arn = scene.cluster(instances=0)["DBClusterArn"]
    rds(SOURCE).add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "note", "Value": value}])
    found = rds(SOURCE).list_tags_for_resource(ResourceName=arn)["TagList"]

    assert [{"Key": "note", "Value": value}] == found


def test_markup_survives_the_wire(rds: Rds) -> None:
    """A description that looks like XML comes back as it was given."""
    text = "a <b> & 'c' \"d\" + 100 %"
    made = rds(SOURCE).create_db_cluster_parameter_group(
        DBClusterParameterGroupName="described",
        DBParameterGroupFamily="aurora-postgresql16",
        Description=text,
    )
    rds(SOURCE).delete_db_cluster_parameter_group(DBClusterParameterGroupName="described")

    assert text == made["DBClusterParameterGroup"]["Description"]


def test_the_aws_command_line_works(scene: Scene, server: Server) -> None:
    """`aws rds` takes a snapshot, describes it with a query, and shows an error's code."""
    scene.cluster(instances=0)
    name = ["--db-cluster-snapshot-identifier", "by-hand"]
    made = aws(
        server,
        "rds",
        "create-db-cluster-snapshot",
        *name,
        "--db-cluster-identifier",
        "prod-cluster",
    )
    query = ["--query", "DBClusterSnapshots[].Status", "--output", "json"]
    described = aws(server, "rds", "describe-db-cluster-snapshots", *name, *query)
    refused = aws(
        server,
        "rds",
        "delete-db-cluster",
        "--db-cluster-identifier",
        "nobody",
        "--skip-final-snapshot",
    )

    assert (0, ["creating"]) == (made.returncode, json.loads(described.stdout))
    assert "(DBClusterNotFoundFault)" in refused.stderr


def test_an_unknown_action_is_no_server_error(server: Server, session: boto3.Session) -> None:
    """An action that RDS never had is refused with HTTP 400, so that nobody repeats it."""
    client = _client(session, server.endpoint, SOURCE)

    def rename(request: Any, **_: Any) -> None:
        request.data["Action"] = "DescribeNothing"

    client.meta.events.register("request-created.rds", rename)
    with pytest.raises(ClientError) as refused:
        client.describe_db_clusters()

    assert "InvalidAction" == refused.value.response["Error"]["Code"]
