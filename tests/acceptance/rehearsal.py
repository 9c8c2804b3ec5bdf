"""What a person does by hand in the README's rehearsal, between its commands."""

import json
from pathlib import Path

from tests.docs.readme import README, ROOT, blocks, commands

SECTION = "Rehearse your own stage"
CONFIG = ROOT / "rehearsal" / ".chalice" / "config.json"
RUNBOOK = ROOT / "docs" / "runbook.md"


def fill_in(subnets: str, group: str) -> None:
    """Put the README's settings and this AWS's ids (subnets, separated by tabs) into the stage
    `dev` of the copy.
    """
    (text,) = (
        block.text
        for block in blocks(README)
        if (block.section, block.language) == (SECTION, "json")
    )
    config = json.loads(CONFIG.read_text())
    dev = config["stages"]["dev"]
    dev["environment_variables"] |= json.loads(text.replace("<the group's id>", group))
    dev["lambda_functions"]["setup-db-users"] = {
        "subnet_ids": subnets.split(),
        "security_group_ids": [group],
    }
    CONFIG.write_text(json.dumps(config))


def secrets_of_the_runbook(page: Path = RUNBOOK) -> str:
    """Return the commands that give the stage's secrets their values."""
    (block,) = (block for block in commands("Deploy", page) if "put-secret-value" in block)
    return block
