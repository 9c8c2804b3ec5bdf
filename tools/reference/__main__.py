"""`python -m tools.reference`: rewrite the generated parts of the docs, or name the stale pages."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from aurora_restore.process.options import program
from tools.reference import ROOT, pages, rewritten, stale

Check = Annotated[
    bool, typer.Option("--check", help="Change nothing; exit with 1 if something is stale.")
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; returns the exit status."""
    return program(write_pages, arguments, name="python -m tools.reference")


def write_pages(*, check: Check = False) -> int:
    """Write the generated parts of the docs."""
    behind = list(stale(pages()))
    for page in behind:
        name = page.relative_to(ROOT)
        if check:
            sys.stderr.write(f"{name} is stale: run python -m tools.reference.\n")
        else:
            page.write_text(rewritten(page), encoding="utf-8")
            sys.stdout.write(f"{name} is written.\n")
    return 1 if check and behind else 0


if __name__ == "__main__":
    sys.exit(main())
