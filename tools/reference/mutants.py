"""The table of the guards and of where their mutants are killed."""

from simulation.guards import GUARDS
from simulation.mutants import Mutant


def table() -> str:
    """Write the table: the guard, its file, and the scenarios or tests that kill its mutant."""
    rows = [f"| {mutant.guard} | `{mutant.file}` | {_searched_in(mutant)} |" for mutant in GUARDS]
    return "\n".join(
        ["| guard | file | scenarios or tests that kill its mutant |", "| --- | --- | --- |", *rows]
    )


def _searched_in(mutant: Mutant) -> str:
    """Name the scenarios, or the files of the tests."""
    files = [f"`tests/{test.partition('::')[0]}`" for test in mutant.tests]
    return ", ".join(mutant.scenes or files)
