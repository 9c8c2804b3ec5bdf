"""`aurora-restore refresh-roots`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from aurora_restore.cli.attempt import output, print_error
from aurora_restore.cli.parameters import HERE, Checkout
from aurora_restore.roots import URL, RootsError, refresh

BUNDLE: Final = Path("chalicelib") / "rds-ca-bundle.pem"

Address = Annotated[str, typer.Option("--url", metavar="URL", help="Where to fetch them.")]


def refresh_roots(checkout: Checkout = HERE, url: Address = URL) -> int:
    """Fetch Amazon's newest root certificates for RDS into a checkout."""
    bundle = checkout / BUNDLE
    if not bundle.is_file():
        return print_error(
            f"{checkout.resolve()} is no checkout of aurora-restore: it has no {BUNDLE}. "
            "Name the checkout's folder with --checkout."
        )
    try:
        covered = refresh(url, bundle, datetime.now(UTC))
    except RootsError as error:
        return print_error(f"{bundle} stays as it is. {error}")
    except OSError as error:
        return print_error(f"{bundle} stays as it is. {url} could not be fetched: {error}.")
    output(f"{covered}\nNow deploy each stage again: make deploy STAGE=...")
    return 0
