"""The guards that the design rests on, each taken away once.

A search that finds nothing wrong then is a bad search.

A mutant is the application with one piece of text replaced, in a folder of its own; the search runs
on it in a process of its own. It plays the scenes without a fault, then with each single fault, and
stops at the first broken promise. Guards that only a real PostgreSQL can try are looked for by
tests, which have to fail.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from simulation.explore import WORKERS

ROOT = Path(__file__).parents[1]
SECONDS_MAX = 900  # on a busy machine; alone none needs a tenth of it
ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "TEST_SERVERS": "embedded-16",
}  # one server, and all that is asked of it


@dataclass(frozen=True)
class Mutant:
    """One guard taken away: `old` stands once in `file` and becomes `new`.

    `scenes` are searched, in this order, and the single fault `first` before all others (its site
    and kind: who knows of what a mutant dies need not try hundreds); or `tests` are run (each
    `<file>::<name>`, below `tests/`).
    """

    guard: str
    file: str
    old: str
    new: str
    scenes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    first: str = ""

    def source(self) -> str:
        """Give the file without the guard.

        Raises LookupError where the guard does not stand once.
        """
        text = (ROOT / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise LookupError(
                f"The guard '{self.guard}' does not stand once in {self.file}: {self.old!r}."
            )
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Death:
    """How a mutant died: by which run, and of what; `line` is empty for one that lives."""

    mutant: Mutant
    line: str
    broken: str
    runs: int


NIGHT = ("night",)
MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "the version condition",
        "chalicelib/records/operations.py",
        'conditions = [When("version", "is", before.version)]',
        "conditions = []",
        ("never-starts@COPYING", "night", "fast"),
        first="heartbeat in COPYING: dynamodb.read/1=raced-duplicate",
    ),
    Mutant(
        "the lease",
        "chalicelib/records/operations.py",
        "conditions = (in_states, free, *unless)",
        "conditions = (in_states, *unless)",
        ("everything-twice", "fast"),
        first="delete-rds in TARGET_DELETING: rds.delete_db_cluster/1=raced-everything",
    ),
    Mutant(
        "the owner comparison after a lost reply, claiming",
        "chalicelib/records/operations.py",
        "    if operation.lease_owner == owner:\n        return Claim(operation, held=True)\n",
        "",
        NIGHT,
        first="snapshot-check in ACCEPTED: dynamodb.claim/1=repeated",
    ),
    Mutant(
        "the owner comparison after a lost reply, advancing",
        "chalicelib/records/operations.py",
        'if stored.get("written_by") == owner and',
        "if False and",
        NIGHT,
        first="check-copy-status in COPYING: dynamodb._write_state/1=repeated",
    ),
    Mutant(
        "the tag check of the target",
        "chalicelib/target/cluster.py",
        "unowned = [thing for thing in everything if not is_ours(thing, self._plan)]",
        "unowned = []",
        ("strangers-target",),
    ),
    Mutant(
        "the tag check of copies",
        "chalicelib/snapshots/copies.py",
        "if not is_ours(snapshot, self._plan) or not of_operation:",
        "if False:",
        ("strangers-copy",),
    ),
    Mutant(
        "the resource-id check",
        "chalicelib/steps/delete_rds.py",
        "if cluster and cluster.resource_id != old.resource_id:",
        "if False:",
        ("replaced-target",),
    ),
    Mutant(
        "the trial of the network before the deletion",
        "chalicelib/target/reachability.py",
        "    if not trial.problems:",
        "    if True:",
        ("unreachable-target",),
    ),
    Mutant(
        "the key that is resolved once",
        "chalicelib/target/requests.py",
        "key = operation.facts.copies.key_arn or plan.copies.kms_key_id",
        "key = plan.copies.kms_key_id",
        ("moved-alias",),
    ),
    Mutant(
        "the key of a rerun",
        "chalicelib/runtime/reruns.py",
        "if _has_other_key(before, plan, ports) and",
        "if False and",
        ("other-key",),
    ),
    Mutant(
        "the copies of other runs",
        "chalicelib/steps/archive_snapshot.py",
        "others = copies.observe_unkept() if operation.rerun_of else []",
        "others = []",
        ("other-key-and-back",),
    ),
    Mutant(
        "the look before success is said",
        "chalicelib/steps/archive_snapshot.py",
        "    try:\n"
        "        cluster = require_restored(operation, target, ports)\n"
        "        instances = target.observe_instances()\n"
        "        wait = until_as_planned(operation, target, cluster, instances, ports.now())\n"
        "    except RefusedError as error:\n"
        "        raise _in_use(operation, error) from None\n"
        "    if wait:\n"
        "        return wait\n",
        "    return _settle_copies(operation, ports)\n",
        ("removed-target",),
    ),
    Mutant(
        "the instances before success is said",
        "chalicelib/target/readiness.py",
        "return _until_available(operation, operation.facts.target.instances, instances, now)",
        "return None",
        ("lost-reader",),
    ),
    Mutant(
        "the settings before success is said",
        "chalicelib/target/readiness.py",
        "if changes := changes_to(cluster.settings, operation.target_spec):",
        "if changes := {}:",
        ("changed-target",),
    ),
    Mutant(
        "the source check",
        "chalicelib/flow/plan.py",
        "if resource_id == source_resource_id:",
        "if False:",
        ("renamed-source",),
    ),
    Mutant(
        "adoption of a copy that exists",
        "chalicelib/snapshots/copies.py",
        'if error.code != "DBClusterSnapshotAlreadyExistsFault":\n                raise',
        "raise",
        NIGHT,
        first="copy-snapshot in SNAPSHOT_FOUND: rds.copy_db_cluster_snapshot/1=lost",
    ),
    Mutant(
        "adoption of a cluster that exists",
        "chalicelib/target/cluster.py",
        "if error.code != TAKEN:\n                raise",
        "raise",
        NIGHT,
        first="restore-snapshot in TARGET_CLEAR: rds.restore_db_cluster_from_snapshot/1=lost",
    ),
    Mutant(
        "adoption of an instance that exists",
        "chalicelib/target/cluster.py",
        "if error.code != INSTANCE_TAKEN:\n                raise",
        "raise",
        NIGHT,
        first="restore-snapshot in CLUSTER_RESTORED: rds.create_db_instance/1=lost",
    ),
    Mutant(
        "the check of an adopted copy's health",
        "chalicelib/snapshots/copies.py",
        'if existing is None or existing.status == "deleting":',
        "if existing is None:",
        ("failed-copies",),
    ),
    Mutant(
        "the terminal guard",
        "chalicelib/records/operations.py",
        "conditions = (in_states, free, *unless)",
        "conditions = (free, *unless)",
        ("fast", "night"),
        first="the bus in SNAPSHOT_READY: SnapshotReady=doubled",
    ),
    Mutant(
        "the heartbeat",
        "chalicelib/runtime/heartbeat.py",
        "    sweep(ports)\n",
        "",
        NIGHT,
    ),
    Mutant(
        "the heartbeat's own deadline",
        "chalicelib/runtime/heartbeat.py",
        "if overdue and operation.announcements >= UNANSWERED_MAX:",
        "if False:",
        ("never-starts@COPYING",),
    ),
    Mutant(
        "the target lock",
        "chalicelib/records/targets.py",
        'free: tuple[When, ...] = (When("holder", "absent"),)',
        "free: tuple[When, ...] = ()",
        ("second-snapshot@COPYING",),
    ),
    Mutant(
        "the release of the lock",
        "chalicelib/records/targets.py",
        'remove=("holder",), when=locked',
        "when=locked",
        NIGHT,
    ),
    Mutant(
        "the deadline",
        "chalicelib/runtime/runner.py",
        "elif now >= _deadline(worked, outcome, now):",
        "elif False:",
        ("lost-copy",),
    ),
    Mutant(
        "the terminal announcement's retry",
        "chalicelib/messages/publishing.py",
        '        logger.warning("Not announced yet: %s: %s", '
        '", ".join(map(_describe, operations)), error)\n',
        (
            "        [ports.operations.mark_closed(one) for one in operations if one.state in "
            "TERMINAL]\n"
        ),
        NIGHT,
        first="sns-notification in SUCCEEDED: events.put_events/1=throttled",
    ),
    Mutant(
        "the stop of ways to production",
        "chalicelib/steps/setup_db_users.py",
        "        remaining = database.quiesce(plan.users.quiet_kinds)\n",
        "        remaining = []\n",
        NIGHT,
    ),
    Mutant(
        "the count of ways to production before they are stopped",
        "chalicelib/steps/setup_db_users.py",
        "        facts = _note_activity(operation, ports, database).facts\n"
        "        remaining = database.quiesce(plan.users.quiet_kinds)\n",
        "        remaining = database.quiesce(plan.users.quiet_kinds)\n"
        "        facts = _note_activity(operation, ports, database).facts\n",
        NIGHT,
    ),
    Mutant(
        "the note of names before they are closed",
        "chalicelib/steps/setup_db_users.py",
        "    operation = _note_names(operation, ports, database.production_logins(keep=keep))\n"
        "    _close(operation, ports, database, keep)\n",
        (
            "    operation = _note_names(operation, ports, "
            "database.revoke_production_logins(keep=keep))\n"
        ),
        NIGHT,
        first="setup-db-users in RESTORED: postgresql.revoke_production_logins/1=crash-after",
    ),
    Mutant(
        "the readers after production's logins",
        "chalicelib/target/instances.py",
        "    target.ensure_instance(writer)\n",
        ("    for name in operation.instance_ids:\n        target.ensure_instance(name)\n"),
        NIGHT,
    ),
    Mutant(
        "the age check of replayed events",
        "chalicelib/messages/event_age.py",
        "    if age > EVENT_AGE_MAX:",
        "    if False:",
        ("replayed",),
    ),
    Mutant(
        "the rule for from_step",
        "chalicelib/runtime/reruns.py",
        "if state is not stopped and not comes_after(stopped, state):",
        "if False:",
        ("rerun-too-far",),
    ),
)


def killed(mutant: Mutant) -> Death:
    """Search a mutant for a broken promise, or run its tests, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        stale = (
            f"{Path(mutant.file).stem}.*.pyc"  # the other files' bytecode is that of the copy, too
        )
        shutil.copytree(
            ROOT / "chalicelib", Path(folder) / "chalicelib", ignore=shutil.ignore_patterns(stale)
        )
        (Path(folder) / mutant.file).write_text(mutant.source(), encoding="utf-8")
        # -P: the folder that the process starts in must not come before the mutant's.
        command = [
            sys.executable,
            "-P",
            "-m",
            *(_test_run(mutant.tests) or _search(mutant)),
        ]
        # `tests` is one package in two folders, the other of which is below localaws.
        folders = [folder, ROOT, ROOT / "localaws" / "src", ROOT / "localaws"]
        path = os.pathsep.join(map(str, folders))
        done = subprocess.run(
            command,
            env={**os.environ, **ENVIRONMENT, "PYTHONPATH": path},
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
        )
    if mutant.tests and done.returncode in (0, 1):
        return _death_by_test(mutant, done.stdout)
    if done.returncode:
        raise ChildProcessError(
            f"The search of the mutant without {mutant.guard} failed: {done.stderr[-500:]}"
        )
    found = json.loads(done.stdout.splitlines()[-1])
    return Death(mutant, found["line"], found["broken"], found["runs"])


def _search(mutant: Mutant) -> tuple[str, ...]:
    return ("simulation.first_violation", *mutant.scenes, "--first", mutant.first)


def _test_run(tests: tuple[str, ...]) -> tuple[str, ...]:
    """Name the module and options that run this checkout's tests on the first application found."""
    config = (
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(ROOT),
        "-o",
        "pythonpath=",
        "-p",
        "no:cacheprovider",
    )
    return (
        ("pytest", "-x", *config, *(str(ROOT / "tests" / test) for test in tests)) if tests else ()
    )


def _death_by_test(mutant: Mutant, said: str) -> Death:
    """Read which test failed, and with what; none for a mutant that lives."""
    failed = [
        line.removeprefix("FAILED ") for line in said.splitlines() if line.startswith("FAILED ")
    ]
    test, _, why = failed[0].partition(" - ") if failed else ("", "", "")
    return Death(mutant, test, why, len(mutant.tests))


def deaths(mutants: tuple[Mutant, ...]) -> Iterator[Death]:
    """Search all of them, two at a time; results come in order."""
    with ThreadPoolExecutor(WORKERS) as pool:  # threads that wait for processes
        yield from pool.map(killed, mutants)
