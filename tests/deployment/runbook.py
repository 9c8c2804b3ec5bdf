"""The runbook, typed as it stands."""

import os
import shlex
import subprocess
from pathlib import Path

from localaws.clients import local_environment, without_aws

from aurora_restore.stages import CHECKOUT
from tests.deployment.place import REGION, Place
from tests.docs.readme import commands

RUNBOOK = CHECKOUT / "docs" / "runbook.md"
REGION_OF_THE_PAGE = commands("Deploy", RUNBOOK)[0]


def type_in(place: Place, checkout: Path, block: str) -> str:
    """Type a block into a shell whose checkout that is; returns what it printed."""
    block = block.replace(".build/", f"{shlex.quote(str(checkout))}/.build/")
    path = f"{CHECKOUT / '.venv' / 'bin'}:{os.environ['PATH']}"
    env = {
        **without_aws(os.environ),
        **{
            name: value
            for name, value in local_environment(place.endpoint, REGION).items()
            if "REGION" not in name
        },
        "CHECKOUT": str(checkout),
        "PATH": path,
    }
    # what make sets up is there already, and nobody is there to be asked
    set_up = "--no-print-directory -o .venv/.ready -o .wheels/.ready YES=1"
    ready = f'make() {{ command make {set_up} "$@"; }}\n'
    # which version 1 forgets for sqs
    endpoint = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }\n'
    shell = ["bash", "-euc", f"{ready}{endpoint}{REGION_OF_THE_PAGE}\n{block}"]
    done = subprocess.run(
        shell, cwd=CHECKOUT, env=env, check=False, capture_output=True, text=True, timeout=120
    )
    assert 0 == done.returncode, block + done.stdout + done.stderr
    return done.stdout
