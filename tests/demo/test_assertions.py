"""The demo's judgement: a good night holds throughout, and each thing that may be off is named."""

from typing import Any

import pytest

from demo.activity import Activity
from demo.assertions import CheckResult, after_the_night, before_the_night
from demo.databases import Access, TableContent
from demo.inspection import OperationInspection, SourceInspection, TargetInspection
from tests.demo import scene


def failures(before: SourceInspection | None = None, **seen: Any) -> list[CheckResult]:
    """Judge a good night in which `seen` (source, target, outcome) is different.

    Return what does not hold.
    """
    source: SourceInspection = seen.get("source", scene.source())
    target: TargetInspection = seen.get("target", scene.fresh())
    outcome: OperationInspection = seen.get("outcome", scene.outcome())
    results = after_the_night((before or scene.source(), scene.stale()), (source, target), outcome)
    return [result for result in results if not result.passed]


def test_a_good_night_holds_throughout() -> None:
    """After a good restore every check passes."""
    assert failures() == []


def test_a_production_and_a_stale_staging_allow_a_demo() -> None:
    """Before the restore all three checks pass."""
    results = before_the_night(scene.source(), scene.stale(), scene.LOGINS)

    assert [True] * 3 == [result.passed for result in results]


def test_a_staging_that_is_fresh_already_is_named() -> None:
    """A staging that has production's rows already fails a check: a restore would show nothing."""
    already = scene.stale(tables=scene.TABLES, stale_in=())

    results = before_the_night(scene.source(), already, scene.LOGINS)

    assert [True, True, False] == [result.passed for result in results]


def test_a_wrong_production_password_is_noticed_before_the_night() -> None:
    """A password that never worked is reported, since its refusal later would mean nothing."""
    results = before_the_night(
        scene.source(accepted_logins=("prod_master",)), scene.stale(), scene.LOGINS
    )
    expected = ["prod-cluster does not let reporting, shop_app in with production's own passwords."]

    assert expected == [result.sentence for result in results if not result.passed]


OFF: dict[str, tuple[dict[str, Any], str]] = {
    "the old cluster is still there": (
        {"target": scene.fresh(resource_id="cluster-OLD")},
        "staging-cluster is still the old cluster, cluster-OLD.",
    ),
    "an instance is not available": (
        {"target": scene.fresh(instances={"a": "available", "b": "creating"})},
        (
            "staging-cluster should have 2 instances; it is available, and a is available, "
            "b is creating."
        ),
    ),
    "the tag is another's": (
        {"target": scene.fresh(tags={"aurora-restore": "prod/default"})},
        "staging-cluster does not carry the tag aurora-restore=local/default but 'prod/default'.",
    ),
    "rows are missing": (
        {
            "target": scene.fresh(
                tables={**scene.TABLES, "shop.public.orders": TableContent(2, "9")}
            )
        },
        "The rows are not the snapshot's: shop.public.orders has 2 rows and should have 3.",
    ),
    "stale rows are left": (
        {"target": scene.fresh(stale_in=("shop.public",))},
        "The stale rows are still there: stale_marker in shop.public.",
    ),
    "the read-only user writes": (
        {
            "target": scene.fresh(
                read_only=(
                    Access("shop", ("shop.public.orders",), ("shop.public.orders",)),
                    Access("ledger", ("ledger.books.entries",), (), ("ledger.books.entries",)),
                )
            )
        },
        "The read-only user is not what it should be: it writes to shop.public.orders.",
    ),
    "the application user misses a database": (
        {
            "target": scene.fresh(
                application=(Access("shop", ("shop.public.orders",), ("shop.public.orders",)),)
            )
        },
        "The application user cannot do its work: ledger.books.entries was not reached.",
    ),
    "a production login works": (
        {"target": scene.fresh(accepted_logins=("shop_app",))},
        "Production's passwords open the copy for shop_app; they must be refused.",
    ),
    "the copy still has a user mapping": (
        {"target": scene.fresh(activity=Activity({"user-mappings": 1}))},
        "The copy still does what production does by itself: 1 user mapping.",
    ),
    "the copy reads production": (
        {"target": scene.fresh(activity=Activity({}, ("shop.sales.accounts",)))},
        "The copy reads production through shop.sales.accounts.",
    ),
    "the record forgets what was stopped": (
        {
            "outcome": scene.outcome(
                record=scene.outcome().record
                | {"facts": {"users": {"quieted": {"user-mappings": 1}}}}
            )
        },
        "The record does not count what was stopped: foreign server.",
    ),
    "the source lost its user mapping": (
        {
            "source": scene.source(
                activity=Activity({"foreign-servers": 1}, ("shop.sales.accounts",))
            )
        },
        "What prod-cluster does by itself changed: now 1 foreign server.",
    ),
    "the source's description changed": (
        {
            "source": scene.source(
                description={"DBClusterIdentifier": "prod-cluster", "Status": "modifying"}
            )
        },
        "The description of prod-cluster changed: Status.",
    ),
    "the source's data changed": (
        {
            "source": scene.source(
                tables={**scene.TABLES, "shop.public.extra": TableContent(1, "1")}
            )
        },
        "The data of prod-cluster changed: shop.public.extra.",
    ),
    "nobody was told": (
        {"outcome": scene.outcome(notices=())},
        "The queue should hold one notification of this operation and holds 0.",
    ),
    "a row of the trail is missing": (
        {"outcome": scene.outcome(trail=scene.trail()[1:])},
        "The audit trail does not match the record: 2 rows for 3 changes of state.",
    ),
    "a row of the trail is there twice": (
        {"outcome": scene.outcome(trail=(*scene.trail(), scene.row(4, "COPYING", "SUCCEEDED")))},
        "The audit trail does not match the record: 4 rows for 3 changes of state.",
    ),
    "the copy is not archived": (
        {"outcome": scene.outcome(copy={"DBClusterSnapshotIdentifier": "copy", "TagList": []})},
        "The snapshot copy copy is not tagged as archived.",
    ),
    "the copy is gone": (
        {"outcome": scene.outcome(copy=None)},
        "The snapshot copy is gone, although ARCHIVE_SNAPSHOT keeps it.",
    ),
}


@pytest.mark.parametrize("name", OFF)
def test_a_failed_assertion_is_named(name: str) -> None:
    """When one thing is wrong, exactly one check fails, with a sentence about it."""
    seen, sentence = OFF[name]

    found = failures(**seen)

    assert [sentence] == [result.sentence for result in found]


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (TableContent(1, "17"), "has 1 row and should have 3"),
        (TableContent(3, "18"), "has 3 rows, as it should, but with other contents"),
        (None, "is missing, or no user may read it"),
    ],
)
def test_rows_that_differ_are_counted(found: TableContent | None, cause: str) -> None:
    """Each table that differs is named with its cause."""
    tables = {
        name: content for name, content in scene.TABLES.items() if name != "shop.public.orders"
    }
    tables |= {"shop.public.orders": found} if found else {}

    (difference,) = failures(target=scene.fresh(tables=tables))

    assert f"The rows are not the snapshot's: shop.public.orders {cause}." == difference.sentence


def test_rows_hidden_by_row_security_do_not_count_as_differences() -> None:
    """Tables with hidden rows are said not to be compared, neither to differ nor to be the same."""
    hidden = {**scene.TABLES, "shop.public.orders": TableContent(0, "", is_whole=False)}
    night = (
        (scene.source(tables=hidden), scene.stale()),
        (scene.source(tables=hidden), scene.fresh()),
    )

    results = list(after_the_night(*night, scene.outcome()))

    assert [] == [result for result in results if not result.passed]
    assert results[2].sentence.endswith("hides rows from every login: shop.public.orders.")


def test_a_dump_without_a_table_passes_and_says_that_nothing_was_tried() -> None:
    """An empty dump passes, and no check claims reads or writes that nobody tried."""
    source = scene.source(tables={})
    target = scene.fresh(tables={}, application=(), read_only=())
    results = list(after_the_night((source, scene.stale()), (source, target), scene.outcome()))
    before = before_the_night(source, scene.stale(), scene.LOGINS)
    sentences = " ".join(result.sentence for result in results)

    assert [] == [result for result in [*before, *results] if not result.passed]
    assert "no rows to compare" in sentences
    assert "nothing to read or write" in sentences
    assert "no write to be refused" in sentences


def test_a_write_that_nobody_refuses_the_reader_is_named() -> None:
    """A table that the application can write must be refused to the read-only user."""
    read_only = tuple(Access(name.partition(".")[0], (name,)) for name in scene.TABLES)

    (found,) = failures(target=scene.fresh(read_only=read_only))

    assert "The read-only user is not what it should be: a write to" in found.sentence


def test_a_closed_database_does_not_count_as_a_lock() -> None:
    """Where every login is refused, the demo says nothing about production's logins."""
    found = failures(target=scene.fresh(own_logins_refused=("app",)))

    assert "Whether production's logins are refused is unknown: no login works." in [
        result.sentence for result in found
    ]


def test_a_night_of_pointers_names_the_present_cluster_and_the_places() -> None:
    """The target's own name is that of the cluster before, so the sentences have the other."""
    places = {"the secret app": "staging-cluster-a", "SSM below /pointers/": "staging-cluster-a"}
    target = scene.fresh(cluster_id="staging-cluster-a", pointers=places)
    night = ((scene.source(), scene.stale()), (scene.source(), target))
    results = list(after_the_night(*night, scene.outcome()))

    assert [] == [result for result in results if not result.passed]
    assert results[0].sentence.startswith("The target is now staging-cluster-a, another cluster")
    assert (
        "The pointers name staging-cluster-a: the secret app and SSM below /pointers/."
        == results[1].sentence
    )


def test_a_pointer_that_names_another_cluster_is_named() -> None:
    """Whoever reads that place would connect to the old data."""
    places = {"the secret app": "staging-cluster-b"}
    target = scene.fresh(cluster_id="staging-cluster-a", pointers=places)

    (found,) = failures(target=target)

    assert (
        "Pointers name another cluster than staging-cluster-a: the secret app: staging-cluster-b."
        == found.sentence
    )
