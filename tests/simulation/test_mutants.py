"""Guards and their mutants.

Each guard stands where its mutant takes it away, and the search kills.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from simulation.guards import GUARDS
from simulation.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
WANTED = (
    "version condition",
    "lease",
    "owner comparison",
    "tag check",
    "resource-id check",
    "source check",
    "adoption",
    "adopted copy's health",
    "terminal guard",
    "heartbeat",
    "heartbeat's own deadline",
    "target lock",
    "release of the lock",
    "deadline",
    "terminal announcement's retry",
    "age check",
    "from_step",
)


@pytest.mark.parametrize("mutant", GUARDS, ids=lambda mutant: mutant.guard)
def test_a_guard_stands_once_where_its_mutant_takes_it_away(mutant: Mutant) -> None:
    """A guard that moved has its mutant moved, too; what is left is a program."""
    compile(mutant.source(), mutant.file, "exec")


@pytest.mark.parametrize("mutant", GUARDS, ids=lambda mutant: mutant.guard)
def test_a_mutant_dies_of_tests_that_exist(mutant: Mutant) -> None:
    """A test that moved or was renamed is named anew by its mutant."""
    for test in mutant.tests:
        file, _, name = test.partition("::")
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")

        assert not name or f"\ndef {name.partition('[')[0]}(" in text


@pytest.mark.parametrize("guard", WANTED)
def test_every_guard_that_the_design_rests_on_has_a_mutant(guard: str) -> None:
    """Each guard of the design is the name of a mutant."""
    assert [] != [mutant for mutant in MUTANTS if guard in mutant.guard]


def test_a_guard_that_is_gone_is_named() -> None:
    """Rather than a mutant that is no mutant."""
    with pytest.raises(LookupError, match="does not stand once in"):
        Mutant(
            "the missing guard", "chalicelib/flow/plan.py", "no such text", "", ("night",)
        ).source()


def test_a_run_is_replayed_by_its_line() -> None:
    """`make prove REPLAY=…` tells its story; exit 0, for nothing is broken."""
    replayed = subprocess.run(
        [sys.executable, "-m", "simulation", "--replay", "night 23=lost"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (0, True) == (replayed.returncode, replayed.stdout.startswith("night with 1 faults:"))
