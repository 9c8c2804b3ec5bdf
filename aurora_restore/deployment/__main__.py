"""`python -m aurora_restore.deployment deploy|destroy|package --stage dev`: what make runs under these names."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from aurora_restore.deployment import deploy, destroy
from aurora_restore.deployment.confirmation import confirmation
from aurora_restore.deployment.errors import DeploymentError, NotReadyError
from aurora_restore.findings import Status
from aurora_restore.stages import CHECKOUT, Stage, StageError
from aurora_restore.terminal import printable

INTERRUPTED = 130  # as shells have it


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked.

    0 when it is done, 1 or, after Ctrl-C, 130 with sentences when it is not, 2 on wrong usage.
    """
    options = _parser().parse_args(arguments)
    try:
        stage = Stage.read(options.stage, options.checkout, command=options.command)
        if options.command == "deploy":
            confirm = confirmation(yes=options.yes)
            deploy.deploy(stage, options.checkout, _output, confirm)
        elif options.command == "package":
            deploy.package(stage, options.checkout, _output)
        else:
            confirm = confirmation(yes=options.yes)
            destroy.destroy(stage, options.checkout, _output, confirm, force=options.force)
    except NotReadyError as error:
        for finding in error.findings:
            if finding.status is not Status.OK:
                _error(str(finding))
        return _error(str(error))
    except (DeploymentError, StageError) as error:
        return _error(str(error))
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        who = "AWS refused" if isinstance(error, ClientError) else "AWS could not be asked"
        return _error(
            f"{who}: {error}. Whatever was done is kept; the same command continues there."
        )
    except KeyboardInterrupt:
        _error("Interrupted. What was done is kept; the same command continues there.")
        return INTERRUPTED
    return 0


def _output(line: str) -> None:
    sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.flush()


def _error(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aurora_restore.deployment", description=__doc__
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("deploy", "bring a stage into its account, or up to date there"),
        ("destroy", "take a stage out of its account, but for its records and secrets"),
        ("package", "write the app of a stage as a SAM template"),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("--stage", required=True, help="a stage of .chalice/config.json")
        command.add_argument(
            "--checkout", type=Path, default=CHECKOUT, help="the folder of the app"
        )
        if name != "package":
            command.add_argument("--yes", action="store_true", help="do not ask")
        if name == "destroy":
            command.add_argument(
                "--force", action="store_true", help="even where something would be left behind"
            )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
