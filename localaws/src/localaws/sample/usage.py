"""The page that is printed when the world is ready: lines for a shell that work in any folder.

zsh runs a comment as a command when it is typed, so no comment holds a quote or a character that
expands.
"""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from localaws.clients import local_environment
from localaws.sample import names

# Version 1 of `aws` ignores AWS_ENDPOINT_URL for rds in us-east-1, and would ask the real AWS.
_HERE: Final = '--endpoint-url "$AWS_ENDPOINT_URL"'
_ENDPOINT: Final = (
    f"aws rds describe-db-clusters {_HERE} --db-cluster-identifier {names.CLUSTER}"
    " --query 'DBClusters[].Endpoint' --output text"
)
_PASSWORD: Final = (
    f"aws secretsmanager get-secret-value {_HERE} --secret-id {names.SECRET}"
    " --query SecretString --output text | python3 -c"
    ' \'import json, sys; print(json.load(sys.stdin)["master"]["password"])\''
)


def page(endpoint: str) -> str:
    """Return the page for the sample account; it holds no password, its lines look them up."""
    return "\n".join(
        [*exports(endpoint, names.REGION), "\nThen any of these:", *_queries(endpoint), ""]
    )


def exports(endpoint: str, region: str) -> Iterator[str]:
    """Write the lines after which `aws` and `psql` work as they are."""
    yield f"\nThe local AWS listens at {endpoint}. Paste this into another terminal:\n"
    for name, value in local_environment(endpoint, region).items():
        yield f"export {name}={shlex.quote(value)}"
    # The environment's own `aws` and `psql`, where it has them.
    yield f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'


def _queries(endpoint: str) -> Iterator[str]:
    yield "\n# production, as its master user sees it"
    login = f'-h "$({_ENDPOINT})" -p {names.PORT} -U {names.MASTER} -d {names.DATABASE}'
    yield f"""PGPASSWORD="$({_PASSWORD})" psql -w {login} -c 'SELECT current_user, now()'"""
    yield "# its snapshots"
    yield (
        f"aws rds describe-db-cluster-snapshots {_HERE} --db-cluster-identifier {names.CLUSTER}"
        " --query 'DBClusterSnapshots[].[DBClusterSnapshotIdentifier, Status]' --output text"
    )
    yield "# let Aurora take the nightly snapshot, which AWS has no call for"
    yield f"curl -sX POST '{endpoint}/localaws/night?cluster={names.CLUSTER}&region={names.REGION}'"
