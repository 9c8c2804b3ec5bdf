"""Mutants that are searched for as `make prove` does: one dies of a run, another of a test."""

from dataclasses import replace

from simulation.database_mutants import OF_DATABASES
from simulation.mutants import MUTANTS, killed


def test_a_mutant_dies_in_a_process_of_its_own() -> None:
    """The run that killed it can be replayed, and says what broke."""
    (source,) = [mutant for mutant in MUTANTS if mutant.guard == "the source check"]
    death = killed(source)

    assert ("renamed-source", 1) == (death.line, death.runs)
    assert death.broken.startswith("source: ")


def test_the_fault_that_a_mutant_names_is_played_before_all_others() -> None:
    """It dies of the run after the scenes without a fault; a name that is no fault's costs time."""
    (lease,) = [mutant for mutant in MUTANTS if mutant.guard == "the lease"]
    death = killed(lease)

    assert "=raced-everything" in death.line
    assert len(lease.scenes) + 1 == death.runs


def test_a_mutant_of_the_sql_dies_of_a_test() -> None:
    """A mutant names the test that it fails; one whose tests pass counts as alive."""
    (refusal,) = [
        mutant for mutant in OF_DATABASES if mutant.guard == "the refusal of ways to production"
    ]
    dead = killed(refusal)
    lives = killed(replace(refusal, new=refusal.old))

    assert dead.line.endswith(
        "::test_a_remaining_connection_to_production_fails_the_operation_before_users_are_created"
    )
    assert ("", "") == (lives.line, lives.broken)
