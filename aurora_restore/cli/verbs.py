"""All verbs of `aurora-restore`, in the order in which the help lists them."""

from collections.abc import Sequence

from aurora_restore import __version__
from aurora_restore.cli.demo import demo
from aurora_restore.cli.deploy import deploy
from aurora_restore.cli.destroy import destroy
from aurora_restore.cli.doctor import doctor
from aurora_restore.cli.package import package
from aurora_restore.cli.refresh_roots import refresh_roots
from aurora_restore.process import options

COMMANDS = options.command_line(
    "Turn Aurora PostgreSQL's nightly snapshot into a fresh, safe, usable cluster."
)
options.offer_version(COMMANDS, f"aurora-restore {__version__}")
for verb in (deploy, doctor, package, destroy, refresh_roots, demo):
    COMMANDS.command()(verb)


def run_verb(arguments: Sequence[str] | None = None, *, name: str = "aurora-restore") -> int:
    """Run one verb; returns its exit status."""
    return options.run(COMMANDS, arguments, name=name)
