"""`python -m tools.reference`: rewrite the generated parts of the docs, or with `--check` name the stale pages."""

import argparse
import sys

from tools.reference import ROOT, pages, rewritten, stale


def main() -> int:
    """Do what the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.reference", description="Write the generated docs."
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if something is stale"
    )
    check = parser.parse_args().check
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
