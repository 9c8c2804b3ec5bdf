"""What `python -m demo.up` leaves running, as unknowing clients see it, and what is left when
it ends.
"""

import json
import re
import signal
import subprocess
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg2
import pytest

from aurora_restore.stages import FUNCTIONS
from tests.acceptance.operations import (
    ENDS,
    SET_UP_ALREADY,
    asked_for,
    end_of_all,
    end_of_newest,
    newest_record,
    record_of,
    type_in,
    wait_for_an_operation_of,
    wait_for_the_request,
)
from tests.acceptance.rehearsal import SECTION, fill_in, secrets_of_the_runbook
from tests.acceptance.role_decisions import PREFIX, decisions, not_allowed, put, without
from tests.acceptance.up import READY, ROOT, Up, free_port, is_alive, is_free, up
from tests.docs.readme import README, commands, spans

LOCALAWS = ROOT / "docs" / "localaws.md"
QUEUE = "aurora-restore-local-notifications"
MASTER_SECRET = "aurora-restore/local/master-db-credentials"
APP_SECRET = "aurora-restore/local/app-db-credentials"


def secret(world: Up, name: str, region: str = "us-west-2") -> dict[str, Any]:
    """Read a secret that is JSON."""
    kept = world.client("secretsmanager", region).get_secret_value(SecretId=name)["SecretString"]
    read: dict[str, Any] = json.loads(kept)
    return read


def query(world: Up, cluster: tuple[str, str], login: tuple[str, str], statement: str) -> list[Any]:
    """Run SQL in the database shop of a cluster (region, identifier) as (user, password)."""
    region, identifier = cluster
    (found,) = world.client("rds", region).describe_db_clusters(DBClusterIdentifier=identifier)[
        "DBClusters"
    ]
    connection = psycopg2.connect(
        host=found["Endpoint"], port=found["Port"], user=login[0], password=login[1], dbname="shop"
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


PRODUCTION, STAGING = ("us-east-1", "prod-cluster"), ("us-west-2", "staging-cluster")


def master_of_production(world: Up) -> tuple[str, str]:
    """Return production's master user and its password."""
    master = secret(world, "production/prod-cluster", "us-east-1")["master"]
    return master["username"], master["password"]


def master_of_staging(world: Up) -> tuple[str, str]:
    """Return staging's master user and its password."""
    master = secret(world, MASTER_SECRET)
    return master["username"], master["password"]


def test_both_clusters_serve_and_staging_is_stale(world: Up) -> None:
    """Production has orders that staging lacks, and staging has a mark that production lacks."""
    count = "SELECT count(*) FROM sales.orders"
    marks = "SELECT count(*) FROM pg_tables WHERE tablename = 'stale_marker'"
    production, staging = (
        (PRODUCTION, master_of_production(world)),
        (STAGING, master_of_staging(world)),
    )
    found = tuple(query(world, *cluster, count)[0][0] for cluster in (production, staging))

    assert (160_000, 120_000) == found
    assert (0, 1) == tuple(query(world, *cluster, marks)[0][0] for cluster in (production, staging))


def test_production_has_several_owners_and_its_logins_work(world: Up) -> None:
    """Tables belong to different roles, none of them the master, and every login role has its own
    password.
    """
    owners = query(
        world,
        PRODUCTION,
        master_of_production(world),
        "SELECT DISTINCT tableowner FROM pg_tables ORDER BY 1",
    )
    logins = secret(world, "production/prod-cluster", "us-east-1")["logins"]

    assert {("catalog_owner",), ("shop_app",), ("shop_owner",)} <= set(owners)
    assert [("shop_app",), ("reporting",), ("etl",)] == [
        query(world, PRODUCTION, login, "SELECT current_user::text")[0] for login in logins.items()
    ]


def test_the_clusters_are_what_an_account_would_have(world: Up) -> None:
    """Production is encrypted and protected; staging carries our tag, and has a writer and a
    reader.
    """
    (production,) = world.client("rds", "us-east-1").describe_db_clusters()["DBClusters"]
    (staging,) = world.client("rds").describe_db_clusters()["DBClusters"]

    assert (True, True) == (production["StorageEncrypted"], production["DeletionProtection"])
    assert {"Key": "aurora-restore", "Value": "local/default"} in staging["TagList"]
    assert [("staging-cluster-1", True), ("staging-cluster-2", False)] == [
        (member["DBInstanceIdentifier"], member["IsClusterWriter"])
        for member in staging["DBClusterMembers"]
    ]


def test_chalice_deployed_the_app_from_a_copy(world: Up) -> None:
    """Chalice deployed twelve functions from a copy, with the settings of this local AWS; the
    checkout is as it was.
    """
    functions = world.client("lambda").list_functions()["Functions"]
    settings = functions[0]["Environment"]["Variables"]

    assert 12 == len(functions)
    assert settings["SNS_TOPIC_ARN"].endswith(":aurora-restore-local-notifications")
    assert settings["VPC_SECURITY_GROUP_IDS"].startswith("sg-")
    assert not (ROOT / ".chalice" / "deployed" / "local.json").exists()


def test_the_parameters_of_the_guide_are_there(world: Up) -> None:
    """SSM holds the five settings that the guide names."""
    found = world.client("ssm").get_parameters_by_path(Path="/aurora-restore/local/")["Parameters"]
    key = world.client("kms").describe_key(KeyId="alias/aurora-restore")["KeyMetadata"]["Arn"]
    expected = {
        "source-cluster-id": "prod-cluster",
        "source-region": "us-east-1",
        "target-cluster-id": "staging-cluster",
        "target-region": "us-west-2",
        "kms-key-id": key,
    }

    assert expected == {
        parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in found
    }


def test_its_export_lines_make_the_aws_command_line_work(world: Up) -> None:
    """An unmodified `aws` in another shell sees the cluster."""
    line = [
        "aws",
        "rds",
        "describe-db-clusters",
        "--query",
        "DBClusters[].DBClusterIdentifier",
        "--output",
        "text",
    ]
    seen = subprocess.run(
        line, env=world.environment(), check=False, capture_output=True, text=True, timeout=60
    )

    assert ("staging-cluster", "") == (seen.stdout.strip(), seen.stderr)


def test_no_password_is_printed_or_logged(world: Up) -> None:
    """Passwords stand in Secrets Manager alone, and neither in the output nor in the logs."""
    production = secret(world, "production/prod-cluster", "us-east-1")
    passwords = [production["master"]["password"], *production["logins"].values()]
    passwords += [secret(world, MASTER_SECRET)["password"]]
    passwords += [
        value for name, value in secret(world, APP_SECRET).items() if name.endswith("_password")
    ]
    logs = [file.read_text(errors="replace") for file in world.folder.glob("**/*.log")]
    text = "\n".join([*logs, *world.lines])

    assert 7 == len(set(passwords))
    assert [] == [password for password in passwords if password in text]


def complaints(world: Up) -> list[str]:
    """Run the doctor on the stage as it was deployed.

    Return what it says besides OK, errors and all.
    """
    seen = world.run("doctor")
    lines = [
        line for line in seen.stdout.splitlines() if ": OK" not in line and "checks:" not in line
    ]
    return [*lines, *seen.stderr.splitlines(), *(["exit status 1"] if seen.returncode else [])]


def test_the_doctor_has_nothing_to_say_of_a_new_world(world: Up) -> None:
    """Before the first night the doctor finds nothing: production has the snapshot of an earlier
    one.
    """
    assert [] == complaints(world)


def test_a_new_world_has_a_snapshot_of_yesterday_and_no_operation(world: Up) -> None:
    """Aurora took the snapshot before the stage was there, so nothing was started for it."""
    (snapshot,) = world.client("rds", "us-east-1").describe_db_cluster_snapshots(
        SnapshotType="automated"
    )["DBClusterSnapshots"]
    age = datetime.now(UTC) - snapshot["SnapshotCreateTime"]

    assert ("available", None) == (snapshot["Status"], newest_record(world))
    assert timedelta(days=1) <= age < timedelta(days=1, hours=1)


def test_a_night_makes_staging_fresh(world: Up) -> None:
    """One snapshot of Aurora's own, and events do the rest: staging has production's rows and none
    of its logins.
    """
    night = f"{world.endpoint}/localaws/night?cluster=prod-cluster&region=us-east-1"
    with urllib.request.urlopen(urllib.request.Request(night, method="POST")) as answer:  # noqa: S310  # loopback
        assert 200 == answer.status
    record = end_of_newest(world)
    app = secret(world, APP_SECRET)
    application = (app["app_username"], app["app_password"])

    assert "SUCCEEDED" == record["state"]["S"], record
    assert [(160_000,)] == query(world, STAGING, application, "SELECT count(*) FROM sales.orders")
    assert [(0,)] == query(
        world,
        STAGING,
        application,
        "SELECT count(*) FROM pg_tables WHERE tablename = 'stale_marker'",
    )
    with pytest.raises(psycopg2.OperationalError):
        query(world, STAGING, master_of_production(world), "SELECT 1")


def test_the_doctor_has_nothing_to_say_after_a_night(world: Up) -> None:
    """After a night the doctor finds nothing wrong with a stage that was deployed as people deploy
    theirs.
    """
    assert [] == complaints(world)


def test_a_deployment_in_the_middle_of_an_operation_does_not_disturb_it(world: Up) -> None:
    """An operation that the old functions began is finished by new ones, with other code and
    settings.
    """
    wish = {
        "Source": "aurora-restore.local",
        "DetailType": "RestoreRequested",
        "Detail": '{"request_id": "update"}',
    }
    world.client("events").put_events(Entries=[wish])
    record = wait_for_the_request(world, "update")
    before = {
        function["CodeSha256"] for function in world.client("lambda").list_functions()["Functions"]
    }
    with (world.folder / "checkout" / "chalicelib" / "flow" / "outcome.py").open("a") as module:
        module.write("# a newer version\n")
    world.set(LOG_LEVEL="WARNING")
    deployed = world.run("deploy", "--yes")
    functions = world.client("lambda").list_functions()["Functions"]
    ended = end_of_newest(world)
    changed_at = max(datetime.fromisoformat(function["LastModified"]) for function in functions)

    assert (0, "") == (deployed.returncode, deployed.stderr)
    assert record["state"]["S"] not in ENDS
    assert (record["operation_id"], "SUCCEEDED") == (
        ended["operation_id"],
        ended["state"]["S"],
    ), ended.get("reason")
    assert changed_at < datetime.fromisoformat(ended["ended_at"]["S"])
    assert before.isdisjoint({function["CodeSha256"] for function in functions})
    assert {"WARNING"} == {
        function["Environment"]["Variables"]["LOG_LEVEL"] for function in functions
    }


def test_what_the_readme_tells_people_to_type_works(world: Up) -> None:
    """After a night the README's commands work: psql, requests, cancels, and a manual snapshot that
    starts a restore.
    """
    _, request, trail = commands("Keep it running")
    operations, output, manual_snapshot, cancel, psql = commands("Looking around", LOCALAWS)

    assert "app_user" in type_in(world, psql)
    type_in(world, request)
    wait_for_the_request(world, "lunch-break-")
    assert "ACCEPTED" in type_in(world, trail, cancel)
    assert "CANCELLED" == end_of_newest(world)["state"]["S"]
    assert "lunch-break-" in type_in(world, operations, output)
    assert "refresh-" in type_in(world, manual_snapshot)
    wait_for_an_operation_of(world, ":refresh-")


def subjects_told(world: Up) -> list[str]:
    """List the subjects of what the queue holds; it can be read again a few seconds later."""
    sqs, subjects = world.client("sqs"), list[str]()
    asked = {"QueueUrl": sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"], "MaxNumberOfMessages": 10}
    while found := sqs.receive_message(**asked, VisibilityTimeout=5).get("Messages"):
        subjects += [json.loads(message["Body"])["Subject"] for message in found]
    return subjects


def test_a_request_during_another_one_is_skipped_and_the_readme_s_commands_show_why(
    world: Up,
) -> None:
    """A request during another operation ends as SKIPPED, and its trail says which one had the
    target.
    """
    _, request, trail = commands("Keep it running")
    before = newest_record(world)
    type_in(world, request)
    wait_for_the_request(world, "lunch-break-")
    skipped = end_of_newest(world)

    assert before is not None
    assert "SKIPPED" == skipped["state"]["S"]
    assert f"The operation {before['operation_id']['S']} already runs" in type_in(world, trail)
    _, _, _, cancel, _ = commands("Looking around", LOCALAWS)
    type_in(world, cancel)
    end_of_all(world)
    assert "CANCELLED" == record_of(world, before["operation_id"]["S"])["state"]["S"]


def test_the_rehearsal_of_the_readme_works(world: Up) -> None:
    """The README's rehearsal of a stage works word for word: deployed, examined, restored and
    removed.
    """
    ids, make_names_and_deploy, doctor_and_night = commands(SECTION)
    (destroy,) = (span for span in spans(README) if span.startswith("make destroy"))
    rehearse = partial(type_in, world)
    fill_in(*rehearse(ids).splitlines())
    rehearse(make_names_and_deploy)
    rehearse(secrets_of_the_runbook())
    seen = rehearse(doctor_and_night)
    record = end_of_newest(world, "dev")

    assert [] == re.findall(r"^.*: (?:WARNING|FAILED)", seen, re.MULTILINE)
    assert "SUCCEEDED" == record["state"]["S"]
    assert "orders-dev" == record["settings"]["M"]["target"]["M"]["cluster_id"]["S"]
    assert "aurora-restore dev: orders-dev SUCCEEDED" in subjects_told(world)
    assert "is gone" in rehearse(destroy)
    assert "Nothing is left to delete: " in rehearse(destroy)


def test_what_it_prints_can_be_pasted_anywhere(world: Up) -> None:
    """Each printed line works when pasted in another folder, on a machine that has only make."""
    assert "SUCCEEDED" == asked_for(world, "before-the-page")["state"]["S"]
    printed = world.lines[world.lines.index("Then any of these:") + 1 : world.lines.index(READY)]
    exports = [line for line in world.lines if line.startswith("export ")]
    typed = "\n".join([SET_UP_ALREADY, *exports, *printed])
    done = subprocess.run(
        ["sh", "-euc", typed],
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    end_of_all(world)

    assert (0, "") == (done.returncode, done.stderr)
    assert "app_user" in done.stdout
    assert re.search(
        r"^aurora-restore local: staging-cluster [A-Z]+$\n^\w.*arn:aws:rds:",
        done.stdout,
        re.MULTILINE,
    )
    assert "Signature" not in done.stdout
    assert "Aurora takes the snapshot rds:prod-cluster-" in done.stdout


def test_a_restore_a_cancel_and_a_failure_pass_with_the_rights_of_their_roles(world: Up) -> None:
    """In a restore, a cancel and a failure each function ran as its own role and was denied no
    call.
    """
    put(world, "CancelRequested", operation_id=newest_record(world)["operation_id"]["S"])  # type: ignore[index]
    end_of_all(world)
    key = world.client("kms").describe_key(KeyId="alias/aurora-restore")["KeyMetadata"]["KeyId"]
    world.client("kms").disable_key(KeyId=key)
    failed = asked_for(world, "without-a-key")
    world.client("kms").enable_key(KeyId=key)

    assert ("FAILED", "copy-snapshot") == (failed["state"]["S"], failed["failed_step"]["S"])
    # The functions of the rehearsed stage are among them.
    asking = {decision["function"] for decision in decisions(world)}
    assert {f"{PREFIX}{function}" for function in FUNCTIONS} == {
        name for name in asking if name.startswith(PREFIX)
    }
    assert [] == not_allowed(world)


def test_a_role_that_lacks_one_statement_fails_the_operation_and_says_what_is_missing(
    world: Up,
) -> None:
    """A role that lacks one statement fails the operation with a sentence in its record, and
    nothing else is denied.
    """
    before = len(decisions(world))
    with without(world, "copy-snapshot", "CopyTo"):
        failed = asked_for(world, "without-a-right")
    (denied, *again) = not_allowed(world, after=before)
    role = f"arn:aws:sts::123456789012:assumed-role/{PREFIX}copy-snapshot/{PREFIX}copy-snapshot"

    assert ("FAILED", "copy-snapshot") == (failed["state"]["S"], failed["failed_step"]["S"])
    assert (
        f"User: {role} is not authorized to perform: {denied['action']} on resource: "
        in failed["reason"]["S"]
    )
    assert denied["resource"] in failed["reason"]["S"]
    assert (f"{PREFIX}copy-snapshot", []) == (denied["function"], again)


def test_a_folder_has_one_world_at_a_time(world: Up) -> None:
    """A second world in the same folder is refused with a sentence, and the first goes on."""
    refused = up("--port", str(free_port()), "--data", str(world.folder))

    assert (1, "") == (refused.returncode, refused.stdout)
    assert refused.stderr.startswith(
        f"Another local AWS runs in {world.folder}. Stop it, or name another folder with --data "
    )
    assert "another port with --port (make: PORT=…)." in refused.stderr
    assert world.process.poll() is None


def test_ctrl_c_leaves_no_process_and_no_port(world: Up) -> None:
    """SIGINT stops PostgreSQL servers, functions and the listener; the exit status is 0."""
    started = world.descendants()
    status = world.end(signal.SIGINT)

    assert (0, "stopped") == (status, world.lines[-1])
    assert ([], True) == ([pid for pid in started if is_alive(pid)], is_free(world.port))
    assert len(started) > 2
