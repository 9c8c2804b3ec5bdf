"""How a verb ends: with 0, or with sentences that output what stopped it and an exit status."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

import chalicelib
from aurora_restore.deployment.errors import DeploymentError, NotReadyError
from aurora_restore.findings import Status
from aurora_restore.stages import LOCAL_ENDPOINT, Stage, StageError
from aurora_restore.terminal import printable

INTERRUPTED: Final = 130  # as shells have it
WRONG_USAGE: Final = 2  # as shells have it
DEMO: Final = "demo"  # the one verb without --checkout
_NAMED: Final = (
    ", or name that folder with --checkout (CHECKOUT= for make). The stage `local` has its own in "
    "the data folder while `make up` runs"
)
_KEPT: Final = "What was done is kept; the same command continues there."


def attempt(work: Callable[[], None]) -> int:
    """Do the work of a verb that changes an account; returns the exit status."""
    try:
        work()
    except NotReadyError as error:
        for finding in error.findings:
            if finding.status is not Status.OK:
                print_error(str(finding))
        return print_error(str(error))
    except StageError as error:
        return print_error(str(error), WRONG_USAGE)
    except DeploymentError as error:
        return print_error(str(error))
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        refused = isinstance(error, ClientError)
        happened = "AWS refused" if refused else "AWS could not be reached"
        return print_error(f"{happened}: {error}. {_KEPT}")
    except KeyboardInterrupt:
        return print_error(f"Interrupted. {_KEPT}", INTERRUPTED)
    return 0


def read_stage(name: str, checkout: Path, command: str) -> Stage:
    """Read a stage of a checkout for a verb; raises StageError."""
    require_checkout(checkout, command)
    if command != "package":  # it asks no AWS
        _refuse_other_endpoint(checkout)
    return Stage.read(name, checkout, command=command)


def require_checkout(checkout: Path, command: str) -> None:
    """Raise StageError where a folder is no checkout: an installed command starts anywhere."""
    if not (checkout / ".chalice").is_dir():
        named = "" if command == DEMO else _NAMED
        raise StageError(
            f"{checkout.resolve()} is no checkout of aurora-restore: it has no "
            f".chalice/config.json. Run `aurora-restore {command}` in a checkout's folder{named}."
        )
    _refuse_other_code(checkout, Path(chalicelib.__file__).parent)


def _refuse_other_endpoint(checkout: Path) -> None:
    """Raise StageError where the checkout of a local AWS would be used with another one."""
    note, given = checkout / LOCAL_ENDPOINT, os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/")
    made_for = note.read_text().strip() if note.is_file() else given
    if made_for != given:
        raise StageError(
            f"{checkout} was made for the local AWS at {made_for}, and AWS_ENDPOINT_URL is "
            f"{given or 'not set'}. Export AWS_ENDPOINT_URL={made_for}, or name the folder "
            "`checkout` in the data folder of the other one with --checkout (CHECKOUT= for make)."
        )


def _refuse_other_code(checkout: Path, imported: Path) -> None:
    """Raise StageError where pip installed another version of the app than the checkout has.

    The command would deploy the checkout's functions with the policies and rules of the other.
    """
    if (imported.parent / ".chalice").is_dir():  # the command of a checkout
        return
    if _sources(imported) != _sources(checkout / "chalicelib"):
        folder = shlex.quote(str(checkout.resolve()))
        raise StageError(
            f"The app in {checkout.resolve()} is not the version that this command was installed "
            f"with. Install the command again: pip install {folder}."
        )


def _sources(package: Path) -> dict[str, bytes]:
    return {str(file.relative_to(package)): file.read_bytes() for file in package.rglob("*.py")}


def output(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.flush()


def print_error(line: str, status: int = 1) -> int:
    """Print a line where errors go; returns the exit status."""
    sys.stderr.write(f"{line}\n")
    return status
