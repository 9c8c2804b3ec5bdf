"""The guards that the proof takes away one at a time, as the documentation lists them."""

from simulation.database_mutants import OF_DATABASES
from simulation.mutants import MUTANTS, Mutant


def table() -> str:
    """Write a table: the guard, the file it stands in, and the scenes or tests that its mutant is searched in."""
    guards = (*MUTANTS, *OF_DATABASES)
    rows = [f"| {mutant.guard} | `{mutant.file}` | {_searched_in(mutant)} |" for mutant in guards]
    return "\n".join(
        ["| guard | stands in | its mutant is searched in |", "| --- | --- | --- |", *rows]
    )


def _searched_in(mutant: Mutant) -> str:
    """Name the scenes, or the files of the tests."""
    files = [f"`tests/{test.partition('::')[0]}`" for test in mutant.tests]
    return ", ".join(mutant.scenes or files)
