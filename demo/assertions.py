"""The judgement: from what was seen before the night and after it, one result for each thing the demo promises."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from demo.activity import kind_in_words
from demo.aws import ARCHIVED_TAG, OWNERSHIP_TAG, SOURCE_CLUSTER, TARGET_CLUSTER
from demo.databases import Access, TableContent
from demo.inspection import OperationInspection, SourceInspection, TargetInspection

INSTANCES = 2  # what the local stage's INSTANCE_COUNT asks for
NAMED_MAX = 3  # of what differs: the rest is counted
INTENT = "#intent"  # marks the audit rows of what is about to be destroyed, which change no state


@dataclass(frozen=True)
class CheckResult:
    """One thing that was looked at: whether it holds, and a sentence either way."""

    passed: bool
    sentence: str


def before_the_night(
    source: SourceInspection, target: TargetInspection, logins: tuple[str, ...]
) -> list[CheckResult]:
    """Judge whether there is anything to show: a production that works, and a staging that is stale."""
    return [
        _production_works(source, logins),
        _production_activity(source),
        _staging_is_stale(source, target),
    ]


def after_the_night(
    before: tuple[SourceInspection, TargetInspection],
    after: tuple[SourceInspection, TargetInspection],
    outcome: OperationInspection,
) -> Iterator[CheckResult]:
    """Judge what the night made of both clusters, one result after the other."""
    source, target = before[0], after[1]
    yield _another_cluster(before[1], target)
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
    if shut := sorted(set(logins) - set(source.accepted_logins)):
        return CheckResult(
            False,
            f"{SOURCE_CLUSTER} does not let {_listed(shut)} in with production's own passwords.",
        )
    rows = sum(content.rows for content in source.tables.values())
    who = _listed(source.accepted_logins, len(source.accepted_logins))
    login = (
        "logs in with its password"
        if len(source.accepted_logins) == 1
        else "log in with their passwords"
    )
    holds = (
        f"{_counted(rows, 'row')} in {_counted(len(source.tables), 'table')}"
        if source.tables
        else "no table"
    )
    what = f"{holds}; {who} {login}"
    return CheckResult(True, f"{SOURCE_CLUSTER} is production: {what}.")


def _production_activity(source: SourceInspection) -> CheckResult:
    through = (
        f", and reads others through {_listed(source.activity.read)}"
        if source.activity.read
        else ""
    )
    what = (
        f"acts and reaches out by itself: {source.activity.sentence}{through}"
        if source.activity.counts
        else "does nothing by itself"
    )
    return CheckResult(True, f"{SOURCE_CLUSTER} {what}.")


def _staging_is_stale(source: SourceInspection, target: TargetInspection) -> CheckResult:
    differing = _differing(source.tables, target.tables)
    if not differing and not target.stale_in:
        return CheckResult(
            False,
            f"{TARGET_CLUSTER} holds production's rows already, so a restore would show nothing.",
        )
    rows = sum(content.rows for content in target.tables.values())
    marker = f", and stale_marker in {_listed(target.stale_in)}" if target.stale_in else ""
    of_all = f"{len(differing)} of production's {_counted(len(source.tables), 'table')}"
    differs = (
        f"{_counted(rows, 'row')}; {of_all} {'differs' if len(differing) == 1 else 'differ'} "
        f"there{marker}"
    )
    return CheckResult(True, f"{TARGET_CLUSTER} is stale: {differs}.")


def _another_cluster(before: TargetInspection, after: TargetInspection) -> CheckResult:
    available = [name for name, status in after.instances.items() if status == "available"]
    if after.resource_id == before.resource_id:
        return CheckResult(
            False, f"{TARGET_CLUSTER} is still the old cluster, {before.resource_id}."
        )
    if (
        after.status != "available"
        or len(available) != INSTANCES
        or len(after.instances) != INSTANCES
    ):
        seen = (
            ", ".join(f"{name} is {status}" for name, status in after.instances.items())
            or "it has no instance"
        )
        return CheckResult(
            False,
            f"{TARGET_CLUSTER} should have {INSTANCES} instances; it is {after.status}, and "
            f"{seen}.",
        )
    return CheckResult(
        True,
        f"{TARGET_CLUSTER} is another cluster, {after.resource_id}, and available with "
        f"{_listed(available)}.",
    )


def _tagged(target: TargetInspection) -> CheckResult:
    key, value = OWNERSHIP_TAG
    if target.tags.get(key) != value:
        return CheckResult(
            False,
            f"{TARGET_CLUSTER} does not carry the tag {key}={value} but {target.tags.get(key)!r}.",
        )
    return CheckResult(True, f"{TARGET_CLUSTER} carries our tag, {key}={value}.")


def _fresh(expected: Mapping[str, TableContent], target: TargetInspection) -> CheckResult:
    if target.own_logins_refused:
        return CheckResult(
            False,
            f"{TARGET_CLUSTER} does not let {_listed(target.own_logins_refused)} in with the secret's "
            "password.",
        )
    if target.stale_in:
        return CheckResult(
            False, f"The stale rows are still there: stale_marker in {_listed(target.stale_in)}."
        )
    if differing := _differing(expected, target.tables):
        causes = [_cause(name, expected[name], target.tables.get(name)) for name in differing]
        return CheckResult(False, f"The rows are not the snapshot's: {_listed(causes)}.")
    if not expected:
        return CheckResult(
            True,
            "Production has no table, so there are no rows to compare; none of the stale ones is "
            "left.",
        )
    hidden = [
        name for name in expected if not (expected[name].is_whole and target.tables[name].is_whole)
    ]
    rows = sum(target.tables[name].rows for name in expected if name not in hidden)
    holds = f"{_counted(rows, 'row')} in {_counted(len(expected) - len(hidden), 'table')}"
    return CheckResult(
        True, f"It holds the snapshot's {holds}, and none of the stale ones{_not_compared(hidden)}."
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
    wrong = _problems(target.application)
    done = {name for access in target.application for name in (*access.read, *access.written)}
    wrong += [
        f"a write to {name} is refused" for access in target.application for name in access.refused
    ]
    wrong += [f"{name} was not reached" for name in expected if name not in done]
    if wrong:
        return CheckResult(False, f"The application user cannot do its work: {_listed(wrong)}.")
    if not done:
        return CheckResult(
            True, "The application user had nothing to read or write: production has no table."
        )
    reads = _counted(len({name for access in target.application for name in access.read}), "table")
    writes = f"{len({name for access in target.application for name in access.written}):,} of them"
    where = _databases(target.application)
    return CheckResult(
        True, f"The application user reads {reads} and writes to {writes}, in {where}."
    )


def _read_only_user(expected: Mapping[str, TableContent], target: TargetInspection) -> CheckResult:
    wrong = _problems(target.read_only)
    wrong += [f"it writes to {name}" for access in target.read_only for name in access.written]
    done = {name for access in target.read_only for name in access.read}
    wrong += [f"{name} was not reached" for name in expected if name not in done]
    refused = {name for access in target.read_only for name in access.refused}
    writable = {name for access in target.application for name in access.written}
    wrong += [f"a write to {name} was not refused" for name in writable - refused if not wrong]
    if wrong:
        return CheckResult(False, f"The read-only user is not what it should be: {_listed(wrong)}.")
    if not done:
        return CheckResult(
            True, "The read-only user had nothing to read, and no write to be refused: no table."
        )
    where = _databases(target.read_only)
    does = (
        f"reads {_counted(len(done), 'table')} and is refused a write to {len(refused):,} of them"
    )
    return CheckResult(True, f"The read-only user {does}, in {where}.")


def _production_refused(source: SourceInspection, target: TargetInspection) -> CheckResult:
    if target.accepted_logins:
        names = _listed(target.accepted_logins)
        return CheckResult(
            False, f"Production's passwords open the copy for {names}; they must be refused."
        )
    if target.own_logins_refused:
        return CheckResult(
            False, "Whether production's logins are refused cannot be told: nobody gets in."
        )
    return CheckResult(
        True,
        f"Production's passwords are refused for {_listed(source.accepted_logins, len(source.accepted_logins))}.",
    )


def _quiescent(
    source: SourceInspection, target: TargetInspection, outcome: OperationInspection
) -> CheckResult:
    if target.own_logins_refused:
        return CheckResult(False, "Whether the copy acts by itself cannot be told: nobody gets in.")
    if target.activity.counts:
        return CheckResult(
            False,
            f"The copy goes on with what production did by itself: {target.activity.sentence}.",
        )
    if target.activity.read:
        return CheckResult(
            False, f"The copy reads production through {_listed(target.activity.read)}."
        )
    quieted = outcome.record.get("facts", {}).get("users", {}).get("quieted", {})
    if missing := [
        kind for kind, count in source.activity.counts.items() if int(quieted.get(kind, 0)) < count
    ]:
        kinds = [kind_in_words(kind, source.activity.counts[kind]) for kind in missing]
        return CheckResult(
            False, f"The record does not count what was stopped: {_listed(kinds, len(kinds))}."
        )
    if not source.activity.counts:
        return CheckResult(
            True, "The copy does nothing by itself and reaches nobody, as production does."
        )
    through = (
        f", and nobody reads through {_listed(source.activity.read)}"
        if source.activity.read
        else ""
    )
    stopped = (
        "What production does by itself is stopped on the copy, and nothing leads back to "
        "production"
    )
    return CheckResult(True, f"{stopped}: {source.activity.sentence}{through}.")


def _source_untouched(before: SourceInspection, after: SourceInspection) -> CheckResult:
    changed = sorted(
        key
        for key in {*before.description, *after.description}
        if before.description.get(key) != after.description.get(key)
    )
    if changed or before.instances != after.instances:
        return CheckResult(
            False,
            f"The description of {SOURCE_CLUSTER} changed: {_listed(changed) or 'its instances'}.",
        )
    if differing := _differing(before.tables, after.tables) + _differing(
        after.tables, before.tables
    ):
        return CheckResult(False, f"The data of {SOURCE_CLUSTER} changed: {_listed(differing)}.")
    if before.accepted_logins != after.accepted_logins:
        return CheckResult(
            False,
            f"The logins of {SOURCE_CLUSTER} changed: now {_listed(after.accepted_logins)} get in.",
        )
    if before.activity != after.activity:
        return CheckResult(
            False,
            f"What {SOURCE_CLUSTER} does by itself changed: now "
            f"{after.activity.sentence or 'nothing'}.",
        )
    return CheckResult(
        True,
        f"{SOURCE_CLUSTER} is as it was: its description, rows, logins, and what it does by "
        "itself.",
    )


def _notified(outcome: OperationInspection) -> CheckResult:
    subjects = [str(notice.get("Subject")) for notice in outcome.notices]
    if len(subjects) != 1:
        return CheckResult(
            False,
            f"The queue should hold one notification of this operation and holds {len(subjects)}.",
        )
    return CheckResult(True, f'The notification arrived in the queue: "{subjects[0]}".')


def _trail_complete(outcome: OperationInspection) -> CheckResult:
    rows = [row for row in outcome.trail if INTENT not in row["metric_id"]]
    changes = [(row.get("from_state"), row["to_state"]) for row in rows]
    expected = [(lasted["state"], lasted["to"]) for lasted in outcome.record["durations"]]
    if len(rows) != outcome.record["version"] or changes[1:] != expected:
        said = f"{len(rows)} rows for {outcome.record['version']} changes"
        return CheckResult(False, f"The audit trail does not match the record: {said} of state.")
    return CheckResult(
        True, f"The audit trail has exactly one row for each of the {len(rows)} changes of state."
    )


def _archived(outcome: OperationInspection) -> CheckResult:
    if outcome.copy is None:
        return CheckResult(False, "The snapshot copy is gone, although ARCHIVE_SNAPSHOT keeps it.")
    tags = {tag["Key"]: tag["Value"] for tag in outcome.copy.get("TagList", [])}
    if ARCHIVED_TAG not in tags:
        return CheckResult(
            False,
            f"The snapshot copy {outcome.copy['DBClusterSnapshotIdentifier']} is not tagged as "
            "archived.",
        )
    name = outcome.copy["DBClusterSnapshotIdentifier"]
    return CheckResult(True, f"The snapshot copy is kept and tagged as archived: {name}.")


def _differing(
    expected: Mapping[str, TableContent], found: Mapping[str, TableContent]
) -> list[str]:
    """Name what is missing or other; what row security hides from every login cannot be told."""
    return sorted(name for name, content in expected.items() if not _same(content, found.get(name)))


def _same(expected: TableContent, found: TableContent | None) -> bool:
    if found is None:
        return False
    return expected == found or not (expected.is_whole and found.is_whole)


def _problems(accesses: tuple[Access, ...]) -> list[str]:
    return [sentence for access in accesses for sentence in access.problems]


def _databases(accesses: tuple[Access, ...]) -> str:
    return _listed([access.database for access in accesses], len(accesses))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _listed(names: list[str] | tuple[str, ...], most: int = NAMED_MAX) -> str:
    shown, more = list(names[:most]), len(names) - most
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
