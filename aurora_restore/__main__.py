"""`aurora-restore`, and `python -m aurora_restore` where it is not installed: one command."""

import sys

from aurora_restore.process.startup import prepare


def main(name: str = "aurora-restore") -> int:
    """Run the command of this process; returns the exit status."""
    prepare()
    from aurora_restore.cli.verbs import run_verb  # noqa: PLC0415  # takes a second: now it is covered

    return run_verb(name=name)


if __name__ == "__main__":
    sys.exit(main("python -m aurora_restore"))
