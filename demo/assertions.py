"""The checks of the demo: each compares what was seen before the restore and after it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from demo.activity import kind_in_words
from demo.aws import ARCHIVED_TAG, OWNERSHIP_TAG, SOURCE_CLUSTER
from demo.databases import Access, TableContent
from demo.inspection import OperationInspection, SourceInspection, TargetInspection

INSTANCES = 2  # what the local stage's INSTANCE_COUNT asks for
NAMED_MAX = 3  # of what differs: the rest is counted
INTENT = "#intent"  # marks the audit rows of what is about to be destroyed, which change no state

Clusters = tuple[SourceInspection, TargetInspection]


@dataclass(frozen=True)
class CheckResult:
    """One check: whether it passed, and a sentence either way."""

    passed: bool
    sentence: str


def _pass(sentence: str) -> CheckResult:
    return CheckResult(True, sentence)


def _fail(sentence: str) -> CheckResult:
    return CheckResult(False, sentence)


def before_the_night(
    source: SourceInspection, target: TargetInspection, logins: tuple[str, ...]
) -> list[CheckResult]:
    """Check that there is something to show: production works, and staging is stale."""
    return [
        _production_works(source, logins),
        _production_activity(source),
        _staging_is_stale(source, target),
    ]


def after_the_night(
    before: Clusters, after: Clusters, outcome: OperationInspection
) -> Iterator[CheckResult]:
    """Check what the restore made of both clusters, one result after the other."""
    source, target = before[0], after[1]
    yield _another_cluster(before[1], target)
    if target.pointers:
        yield _pointed(target)
    yield _tagged(target)
    yield _fresh(source.tables, target)
    yield _application_user(source.tables, target)
    yield _read_only_user(source.tables, target)
    yield _production_refused(source, target)
    yield _quiescent(source, target, outcome)
    yield _source_untouched(source, after[0])
    yield _notified(outcome)
    yield _trail_complete(outcome)
    yield _archived(outcome)


def _production_works(source: SourceInspection, logins: tuple[str, ...]) -> CheckResult:
    accepted = source.accepted_logins
    if refused := sorted(set(logins) - set(accepted)):
        return _fail(
            f"{SOURCE_CLUSTER} does not let {_listed(refused)} in with production's own passwords."
        )
    holds = _rows_in_tables(source.tables) if source.tables else "no table"
    log_in = "logs in with its password" if len(accepted) == 1 else "log in with their passwords"
    who = _listed(accepted, len(accepted))
    return _pass(f"{SOURCE_CLUSTER} is production: {holds}; {who} {log_in}.")


def _production_activity(source: SourceInspection) -> CheckResult:
    activity = source.activity
    if not activity.counts:
        return _pass(f"{SOURCE_CLUSTER} does nothing by itself.")
    read = f", and reads others through {_listed(activity.read)}" if activity.read else ""
    return _pass(f"{SOURCE_CLUSTER} acts and reaches out by itself: {activity.sentence}{read}.")


def _staging_is_stale(source: SourceInspection, target: TargetInspection) -> CheckResult:
    differing = _differing(source.tables, target.tables)
    if not differing and not target.stale_in:
        return _fail(
            f"{target.cluster_id} holds production's rows already, so a restore would show nothing."
        )
    rows = _counted(sum(content.rows for content in target.tables.values()), "row")
    tables = f"{len(differing)} of production's {_counted(len(source.tables), 'table')}"
    differ = "differs" if len(differing) == 1 else "differ"
    marker = f", and stale_marker in {_listed(target.stale_in)}" if target.stale_in else ""
    return _pass(f"{target.cluster_id} is stale: {rows}; {tables} {differ} there{marker}.")


def _another_cluster(before: TargetInspection, after: TargetInspection) -> CheckResult:
    if after.resource_id == before.resource_id:
        return _fail(f"{after.cluster_id} is still the old cluster, {before.resource_id}.")
    available = [name for name, status in after.instances.items() if status == "available"]
    complete = len(available) == len(after.instances) == INSTANCES
    if after.status != "available" or not complete:
        statuses = [f"{name} is {status}" for name, status in after.instances.items()]
        seen = ", ".join(statuses) or "it has no instance"
        return _fail(
            f"{after.cluster_id} should have {INSTANCES} instances; it is {after.status}, and "
            f"{seen}."
        )
    is_named = after.cluster_id == before.cluster_id
    who = f"{after.cluster_id} is" if is_named else f"The target is now {after.cluster_id},"
    return _pass(
        f"{who} another cluster, {after.resource_id}, and available with {_listed(available)}."
    )


def _pointed(target: TargetInspection) -> CheckResult:
    wrong = [
        f"{place}: {name}" for place, name in target.pointers.items() if name != target.cluster_id
    ]
    if wrong:
        return _fail(f"Pointers name another cluster than {target.cluster_id}: {_listed(wrong)}.")
    return _pass(f"The pointers name {target.cluster_id}: {' and '.join(target.pointers)}.")


def _tagged(target: TargetInspection) -> CheckResult:
    key, value = OWNERSHIP_TAG
    found = target.tags.get(key)
    if found != value:
        return _fail(f"{target.cluster_id} does not carry the tag {key}={value} but {found!r}.")
    return _pass(f"{target.cluster_id} carries our tag, {key}={value}.")


def _fresh(expected: Mapping[str, TableContent], target: TargetInspection) -> CheckResult:
    if refused := target.own_logins_refused:
        return _fail(
            f"{target.cluster_id} does not let {_listed(refused)} in with the secret's password."
        )
    if target.stale_in:
        where = _listed(target.stale_in)
        return _fail(f"The stale rows are still there: stale_marker in {where}.")
    if differing := _differing(expected, target.tables):
        causes = [_cause(name, expected[name], target.tables.get(name)) for name in differing]
        return _fail(f"The rows are not the snapshot's: {_listed(causes)}.")
    if not expected:
        return _pass(
            "Production has no table, so there are no rows to compare; none of the stale ones is "
            "left."
        )
    compared = {
        name: target.tables[name]
        for name, content in expected.items()
        if content.is_whole and target.tables[name].is_whole
    }
    hidden = [name for name in expected if name not in compared]
    return _pass(
        f"It holds the snapshot's {_rows_in_tables(compared)}, and none of the stale ones"
        f"{_not_compared(hidden)}."
    )


def _not_compared(hidden: list[str]) -> str:
    if not hidden:
        return ""
    return f"; not compared, because row security hides rows from every login: {_listed(hidden)}"


def _cause(name: str, expected: TableContent, found: TableContent | None) -> str:
    """Say how a table's rows differ, with their counts."""
    if found is None:
        return f"{name} is missing, or no user may read it"
    if found.rows == expected.rows:
        return f"{name} has {_counted(found.rows, 'row')}, as it should, but with other contents"
    return f"{name} has {_counted(found.rows, 'row')} and should have {expected.rows:,}"


def _application_user(
    expected: Mapping[str, TableContent], target: TargetInspection
) -> CheckResult:
    read = {name for access in target.application for name in access.read}
    written = {name for access in target.application for name in access.written}
    refused = [name for access in target.application for name in access.refused]
    problems = [
        *_problems(target.application),
        *(f"a write to {name} is refused" for name in refused),
        *(f"{name} was not reached" for name in expected if name not in read | written),
    ]
    if problems:
        return _fail(f"The application user cannot do its work: {_listed(problems)}.")
    if not read | written:
        return _pass("The application user had nothing to read or write: production has no table.")
    return _pass(
        f"The application user reads {_counted(len(read), 'table')} and writes to "
        f"{len(written):,} of them, in {_databases(target.application)}."
    )


def _read_only_user(expected: Mapping[str, TableContent], target: TargetInspection) -> CheckResult:
    read = {name for access in target.read_only for name in access.read}
    written = [name for access in target.read_only for name in access.written]
    refused = {name for access in target.read_only for name in access.refused}
    writable = {name for access in target.application for name in access.written}
    problems = [
        *_problems(target.read_only),
        *(f"it writes to {name}" for name in written),
        *(f"{name} was not reached" for name in expected if name not in read),
    ] or [f"a write to {name} was not refused" for name in writable - refused]
    if problems:
        return _fail(f"The read-only user is not what it should be: {_listed(problems)}.")
    if not read:
        return _pass(
            "The read-only user had nothing to read, and no write to be refused: no table."
        )
    return _pass(
        f"The read-only user reads {_counted(len(read), 'table')} and is refused a write to "
        f"{len(refused):,} of them, in {_databases(target.read_only)}."
    )


def _production_refused(source: SourceInspection, target: TargetInspection) -> CheckResult:
    if target.accepted_logins:
        names = _listed(target.accepted_logins)
        return _fail(f"Production's passwords open the copy for {names}; they must be refused.")
    if target.own_logins_refused:
        # A server that refuses everybody shows nothing about production's logins.
        return _fail("Whether production's logins are refused is unknown: no login works.")
    names = _listed(source.accepted_logins, len(source.accepted_logins))
    return _pass(f"Production's passwords are refused for {names}.")


def _quiescent(
    source: SourceInspection, target: TargetInspection, outcome: OperationInspection
) -> CheckResult:
    before, after = source.activity, target.activity
    if target.own_logins_refused:
        return _fail("Whether the copy acts by itself is unknown: no login works.")
    if after.counts:
        return _fail(f"The copy still does what production does by itself: {after.sentence}.")
    if after.read:
        return _fail(f"The copy reads production through {_listed(after.read)}.")
    recorded = outcome.record.get("facts", {}).get("users", {}).get("quieted", {})
    uncounted = [
        kind_in_words(kind, count)
        for kind, count in before.counts.items()
        if int(recorded.get(kind, 0)) < count
    ]
    if uncounted:
        kinds = _listed(uncounted, len(uncounted))
        return _fail(f"The record does not count what was stopped: {kinds}.")
    if not before.counts:
        return _pass("The copy does nothing by itself and reaches no other server, as production.")
    read = f", and nothing is read through {_listed(before.read)}" if before.read else ""
    return _pass(
        "What production does by itself is stopped on the copy, and nothing leads back to "
        f"production: {before.sentence}{read}."
    )


def _source_untouched(before: SourceInspection, after: SourceInspection) -> CheckResult:
    keys = sorted({*before.description, *after.description})
    changed = [key for key in keys if before.description.get(key) != after.description.get(key)]
    if changed or before.instances != after.instances:
        what = _listed(changed) or "its instances"
        return _fail(f"The description of {SOURCE_CLUSTER} changed: {what}.")
    lost_or_changed = _differing(before.tables, after.tables)
    new_or_changed = _differing(after.tables, before.tables)
    if differing := lost_or_changed + new_or_changed:
        return _fail(f"The data of {SOURCE_CLUSTER} changed: {_listed(differing)}.")
    if before.accepted_logins != after.accepted_logins:
        now = _listed(after.accepted_logins)
        return _fail(f"The logins of {SOURCE_CLUSTER} changed: now {now} get in.")
    if before.activity != after.activity:
        now = after.activity.sentence or "nothing"
        return _fail(f"What {SOURCE_CLUSTER} does by itself changed: now {now}.")
    return _pass(
        f"{SOURCE_CLUSTER} is as it was: its description, rows, logins, and what it does by itself."
    )


def _notified(outcome: OperationInspection) -> CheckResult:
    subjects = [str(notice.get("Subject")) for notice in outcome.notices]
    if len(subjects) != 1:
        return _fail(
            f"The queue should hold one notification of this operation and holds {len(subjects)}."
        )
    return _pass(f'The notification arrived in the queue: "{subjects[0]}".')


def _trail_complete(outcome: OperationInspection) -> CheckResult:
    rows = [row for row in outcome.trail if INTENT not in row["metric_id"]]
    changes = [(row.get("from_state"), row["to_state"]) for row in rows]
    expected = [(lasted["state"], lasted["to"]) for lasted in outcome.record["durations"]]
    version = outcome.record["version"]
    # The first row is the creation, which leaves no state and so has no duration.
    if len(rows) != version or changes[1:] != expected:
        counts = f"{len(rows)} rows for {version} changes"
        return _fail(f"The audit trail does not match the record: {counts} of state.")
    return _pass(
        f"The audit trail has exactly one row for each of the {len(rows)} changes of state."
    )


def _archived(outcome: OperationInspection) -> CheckResult:
    if outcome.copy is None:
        return _fail("The snapshot copy is gone, although ARCHIVE_SNAPSHOT keeps it.")
    name = outcome.copy["DBClusterSnapshotIdentifier"]
    tags = {tag["Key"]: tag["Value"] for tag in outcome.copy.get("TagList", [])}
    if ARCHIVED_TAG not in tags:
        return _fail(f"The snapshot copy {name} is not tagged as archived.")
    return _pass(f"The snapshot copy is kept and tagged as archived: {name}.")


def _differing(
    expected: Mapping[str, TableContent], found: Mapping[str, TableContent]
) -> list[str]:
    """Name the tables that are missing or differ.

    Rows that row security hides from every login cannot be compared.
    """
    return sorted(name for name, content in expected.items() if not _same(content, found.get(name)))


def _same(expected: TableContent, found: TableContent | None) -> bool:
    if found is None:
        return False
    return expected == found or not (expected.is_whole and found.is_whole)


def _problems(accesses: tuple[Access, ...]) -> list[str]:
    return [sentence for access in accesses for sentence in access.problems]


def _databases(accesses: tuple[Access, ...]) -> str:
    return _listed([access.database for access in accesses], len(accesses))


def _rows_in_tables(tables: Mapping[str, TableContent]) -> str:
    rows = sum(content.rows for content in tables.values())
    return f"{_counted(rows, 'row')} in {_counted(len(tables), 'table')}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _listed(names: list[str] | tuple[str, ...], most: int = NAMED_MAX) -> str:
    shown, more = list(names[:most]), len(names) - most
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
