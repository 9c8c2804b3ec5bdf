"""Which regions the bundled root certificates cover: servers of others prove no identity."""

import re
import ssl
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.database.endpoint import BUNDLED_ROOTS
from chalicelib.flow.errors import RefusedError

REFRESH = "make refresh-roots"
_ROOT = re.compile(r"Amazon RDS (\S+) Root CA")  # Aurora user guide, "Certificate authorities"


def region_of(name: str) -> str | None:
    """Give the region of a certificate authority by its common name.

    None for Amazon's own tests and previews.
    """
    found = _ROOT.match(name)
    return found[1] if found else None


@cache
def regions_of(roots: Path) -> frozenset[str]:
    """Name the regions whose certificate authority is among `roots`, a file of PEM certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(roots)
    subjects: list[Any] = [root["subject"] for root in context.get_ca_certs()]
    names = [value for subject in subjects for ((kind, value),) in subject if kind == "commonName"]
    return frozenset(region for name in names if (region := region_of(name)))


def refuse_missing_authority(region: str, ca_file: str | None) -> None:
    """Raise RefusedError where no certificate authority is known for the servers of a region.

    `ca_file` names one for servers that are not Amazon's.
    """
    if ca_file is None:
        refuse_uncovered_region(region)
    elif not Path(ca_file).is_file():
        raise RefusedError(
            f"There is no file {ca_file} where this function runs.",
            "Correct DB_CA_FILE; without it Amazon's root certificates are used.",
        )


def refuse_uncovered_region(region: str, roots: Path = BUNDLED_ROOTS) -> None:
    """Raise RefusedError for a region whose servers could not be told from anybody else's."""
    if region not in regions_of(roots):
        raise RefusedError(
            f"{roots.name} has no certificate authority of {region}, so no cluster there can prove "
            "who it is.",
            f"In the checkout, run {REFRESH}, which fetches Amazon's newest; then deploy the stage "
            "again.",
        )
