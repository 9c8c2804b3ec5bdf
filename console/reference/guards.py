"""The guards that the proof takes away one at a time, as the documentation lists them."""

from proof.mutants import MUTANTS


def table() -> str:
    """Write a table: the guard, the file it stands in, and the scenes in which its mutant is searched."""
    rows = [f"| {mutant.guard} | `{mutant.file}` | {', '.join(mutant.scenes)} |" for mutant in MUTANTS]
    return "\n".join(["| guard | stands in | its mutant is searched in |", "| --- | --- | --- |", *rows])
