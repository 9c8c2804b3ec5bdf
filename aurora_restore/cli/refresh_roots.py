"""`aurora-restore refresh-roots`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from aurora_restore.cli.attempt import WRONG_USAGE, output, print_error
from aurora_restore.cli.parameters import HERE, Checkout
from aurora_restore.process.reasons import reason
from aurora_restore.roots import URL, RootsError, refresh

BUNDLE: Final = Path("chalicelib") / "rds-ca-bundle.pem"

AGAIN: Final = "aurora-restore deploy --stage ..., or make deploy STAGE=..."

Address = Annotated[str, typer.Option("--url", metavar="URL", help="Where to fetch them.")]


def refresh_roots(checkout: Checkout = HERE, url: Address = URL) -> int:
    """Download Amazon's root certificates for RDS."""
    bundle = checkout / BUNDLE
    if not bundle.is_file():
        return print_error(
            f"{checkout.resolve()} is no checkout of aurora-restore: it has no {BUNDLE}. "
            "Name the checkout's folder with --checkout.",
            WRONG_USAGE,
        )
    try:
        covered = refresh(url, bundle, datetime.now(UTC))
    except RootsError as error:
        return print_error(f"{bundle} stays as it is. {error}")
    except OSError as error:
        return print_error(f"{bundle} stays as it is. {url} could not be fetched: {reason(error)}.")
    output(f"{covered}\nNow deploy each stage again: {AGAIN}")
    return 0
