"""Every refusal there is in the code comes about here, and what it tells people to do is done: then
it goes on.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from shutil import copy
from types import SimpleNamespace

import pytest

from chalicelib.aws.client import Service
from chalicelib.aws.kms import usable_key_arn
from chalicelib.aws.rds import Cluster
from chalicelib.database.endpoint import BUNDLED_ROOTS
from chalicelib.database.names import check_users
from chalicelib.database.root_certificates import (
    refuse_missing_authority,
    refuse_uncovered_region,
    regions_of,
)
from chalicelib.flow.choreography import State
from chalicelib.flow.errors import RefusedError
from chalicelib.messages.notifications import publish
from chalicelib.observability import logger
from chalicelib.target.cluster import TargetCluster
from chalicelib.target.reachability import Problem
from simulation.stage import TARGET_REGION, TOPIC
from tests.choreography.dead_network import trial_in_a_dead_network
from tests.choreography.fault_injection import refused
from tests.choreography.requests import again
from tests.choreography.run_night import FaultyStage
from tests.database.postgres_server import login
from tests.database.tls import rds_root
from tests.refusals.refusal_sites import sites, untested
from tests.refusals.refused_operations import OPERATIONS, lose_copy
from tests.refusals.refused_pointers import (
    POINTER_REQUESTS,
    POINTERS,
    in_use,
    kept_for_good,
    pointed_target,
)
from tests.refusals.refused_requests import REQUESTS, RefusedRequest, refused_request
from tests.refusals.refused_retirements import (
    being_replaced,
    endpoints_left,
    half_deleted,
    names_of_instances,
    outdated,
)
from tests.refusals.refused_settings import SETTINGS
from tests.refusals.refused_swaps import (
    ROLLBACKS,
    SWAPS,
    lost_in_a_restart,
    lost_target,
    nothing_to_delete,
    opened_elsewhere,
    rotated_since,
    undecided,
)
from tests.refusals.remedies import RefusalCase, Tried, go_on, tried
from tests.refusals.scene import TARGET_ARN

# These are met in tests/database.
OF_REAL_SERVERS = (
    "^database/(databases|grants|handshake|master_user|ownership|verification|roles|errors)"
)
KEY_ARN = f"arn:aws:kms:{TARGET_REGION}:123456789012:key/one"
CASES = (*OPERATIONS, *SETTINGS, *SWAPS, *POINTERS)
ALL_REQUESTS = (*REQUESTS, *ROLLBACKS, *POINTER_REQUESTS)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_remedy_of_a_notification_continues_the_operation(case: RefusalCase) -> None:
    """The remedy is done, the last line's command is put as it stands, and the next operation
    succeeds.
    """
    result = tried(case)

    assert State.SUCCEEDED is result.ended, f"{result.reason} {result.remedy} -> {result.says}"


@pytest.mark.parametrize("request_", ALL_REQUESTS, ids=lambda request: request.name)
def test_the_remedy_of_a_refused_request_works(request_: RefusedRequest) -> None:
    """A request that follows the remedy succeeds."""
    result = refused_request(request_)

    assert State.SUCCEEDED is result.ended, f"{result.reason} {result.remedy} -> {result.says}"


def test_no_remedy_mentions_a_rerun() -> None:
    """How to go on is the notice's last line, which knows whether a rerun would be obeyed.

    A warning has none.
    """
    words = re.compile(
        r"run (the operation|it) again|\brerun\b", re.IGNORECASE
    )  # the field rerun_of is another word

    assert [] == [str(site) for site in sites() if words.search(site.plain_remedy)]


def lost_copy() -> str:
    """Let a copy be lost before it is archived, and follow the warning: take a snapshot of the
    restored cluster.
    """
    stage = FaultyStage()
    stage.night()
    stage.reach(State.USERS_READY)
    lose_copy(stage)
    (warning,) = stage.run_to_the_end().warnings
    rds = stage.rds(TARGET_REGION)
    rds.create_db_cluster_snapshot(
        DBClusterIdentifier="staging-cluster", DBClusterSnapshotIdentifier="instead"
    )
    stage.settle()
    (instead,) = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="instead")[
        "DBClusterSnapshots"
    ]
    assert "available" == instead["Status"]
    return warning


def one_name() -> RefusedError:
    """Give two users one name, and then two."""
    one, other = login("one", "Password-1"), login("other", "Password-2")
    with pytest.raises(RefusedError) as caught:
        check_users("master", one, one)
    check_users("master", one, other)
    return caught.value


def replica() -> RefusedError:
    """Have the target follow another cluster, and then be promoted."""
    stage = FaultyStage()
    stage.night()
    operation = stage.reach(State.SNAPSHOT_READY)
    (found,) = stage.rds().describe_db_clusters(DBClusterIdentifier="staging-cluster")["DBClusters"]
    target = TargetCluster(stage.ports().service("rds", TARGET_REGION), operation)
    with pytest.raises(RefusedError) as caught:
        target.refuse_unowned(Cluster.of({**found, "ReplicationSourceIdentifier": TARGET_ARN}), [])
    target.refuse_unowned(Cluster.of(found), [])
    return caught.value


def not_there() -> RefusedError:
    """Ask for a group that is not there, then for one that is.

    The preflight says it with the setting's name.
    """
    stage = FaultyStage()
    rds = stage.ports().service("rds", TARGET_REGION)
    with pytest.raises(RefusedError) as caught:
        rds.call("describe_db_subnet_groups", DBSubnetGroupName="nowhere")
    rds.call("describe_db_subnet_groups", DBSubnetGroupName="default")
    return caught.value


def odd_keys() -> list[RefusedError]:
    """Look at keys that RDS does not take, which localaws's own KMS does not have, and then at one
    that it takes.
    """
    refused = []
    for odd in ({"Arn": KEY_ARN.replace(TARGET_REGION, "eu-west-1")}, {"KeySpec": "RSA_2048"}):
        with pytest.raises(RefusedError) as caught:
            usable_key_arn(kms_of_one_key(**odd), "alias/any")
        refused.append(caught.value)
    assert KEY_ARN == usable_key_arn(kms_of_one_key(), "alias/any")
    return refused


def kms_of_one_key(**metadata: str) -> Service:
    """Give a KMS that knows one key."""
    found = {"KeyMetadata": {"Arn": KEY_ARN, "KeyState": "Enabled", **metadata}}
    client = SimpleNamespace(describe_key=lambda **_: found)
    return Service(lambda _service, _region: client, "kms", TARGET_REGION)


def no_root(folder: Path) -> RefusedError:
    """Name a region that the bundle does not cover, and refresh the bundle."""
    bundle = Path(copy(BUNDLED_ROOTS, folder))
    with pytest.raises(RefusedError) as caught:
        refuse_uncovered_region("mx-central-1", bundle)
    bundle.write_bytes(bundle.read_bytes() + rds_root("mx-central-1"))
    regions_of.cache_clear()
    refuse_uncovered_region("mx-central-1", bundle)
    return caught.value


def no_authority(folder: Path) -> RefusedError:
    """Name a file with root certificates that is not there, and one that is."""
    with pytest.raises(RefusedError) as caught:
        refuse_missing_authority("mx-central-1", str(folder / "missing.pem"))
    refuse_missing_authority("mx-central-1", str(BUNDLED_ROOTS))
    return caught.value


def nameless() -> tuple[Problem, ...]:
    """Have a VPC without DNS, and then with it: the next thing that is missing is told."""
    stage = FaultyStage()
    tested = trial_in_a_dead_network(stage, resolves=True).problems
    assert not any("cannot resolve" in str(problem) for problem in tested)
    return trial_in_a_dead_network(stage, resolves=False).problems


def no_topic() -> RefusedError:
    """Publish to what is no topic, and then to one."""
    stage = FaultyStage()
    with pytest.raises(RefusedError) as caught:
        publish("topic", "subject", "text", {}, stage.ports())
    publish(TOPIC, "subject", "text", {}, stage.ports())
    return caught.value


@cache
def users_of_the_first(*, newest: str = "") -> Tried:
    """Set up the users of a success whose cluster a newer restore replaced.

    `newest` is a call that fails in that restore.
    """
    stage = FaultyStage()
    first = stage.run_night()
    stage.run(6 * 3600)
    if newest:
        stage.inject(refused("AccessDenied", 403), state="RESTORED", call=newest)
    stage.run_night()
    stage.call_faults.clear()
    again(stage, first.operation_id, from_step="setup-db-users")
    told = stage.notices()[-1]
    go_on(stage, told["text"])
    ended = stage.run_to_the_end()
    return Tried(told["reason"], told["remedy"], ended.state, str(ended.reason))


@pytest.mark.parametrize("newest", ["", "rds.modify_db_cluster"])
def test_the_remedy_for_a_replaced_cluster_works(newest: str) -> None:
    """The notice's command sets up the users of the newer cluster, or restores one anew."""
    assert State.SUCCEEDED is users_of_the_first(newest=newest).ended


def test_there_is_a_case_for_every_refusal(tmp_path: Path) -> None:
    """Found in the code: a new refusal, or a new remedy of an old one, is listed here until it has
    a case.
    """
    results = [*map(tried, CASES), *map(refused_request, ALL_REQUESTS)]
    results += [users_of_the_first(), users_of_the_first(newest="rds.modify_db_cluster")]
    warning = lost_copy()
    tested = {(result.reason, result.remedy) for result in results}
    tested |= {(warning, warning), nothing_to_delete(), lost_target(), lost_in_a_restart()}
    tested |= {in_use(), kept_for_good(), pointed_target(), endpoints_left()}
    tested |= {half_deleted(), being_replaced(), opened_elsewhere(), undecided(), rotated_since()}
    tested |= outdated()
    tested |= {names_of_instances(is_cancelled=is_so) for is_so in (False, True)}
    tested |= {(str(problem), str(problem.remedy)) for problem in nameless()}
    tested |= {(problem, problem) for case in CASES for problem in tried(case).problems}
    files = (no_root(tmp_path), no_authority(tmp_path))
    alone = (one_name(), replica(), no_topic(), not_there(), *files, *odd_keys())
    tested |= {(refusal.reason, refusal.remedy) for refusal in alone}

    assert [] == untested(tested, but=OF_REAL_SERVERS)
