"""What Lambda runs on, as pip's options; `python -m …platforms arm64` prints them for a shell.

Chalice deploys for the Python that runs it, so the interpreter of this process is the one that is
meant throughout.
"""

import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from aurora_restore.packaging.errors import PackageError
from aurora_restore.process.options import OptionError, program
from aurora_restore.stages import Stage

PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
RUNTIME: Final = f"python{PYTHON}"
# The runtimes up to python3.11 are Amazon Linux 2 with glibc 2.26, later ones Amazon Linux 2023
# with 2.34 (developer guide, Lambda runtimes); Chalice's own packager has the same two numbers.
GLIBC_MINOR: Final = 26 if sys.version_info < (3, 12) else 34
OLDEST_MINOR: Final = 17  # manylinux2014, the oldest that wheels for these Pythons are made for
X86, ARM = "x86_64", "arm64"


@dataclass(frozen=True)
class Platform:
    """A kind of machine that Lambda offers."""

    architecture: str
    """Lambda's name, and Chalice's."""
    machine: str
    """The kernel's name, which wheels have in theirs."""
    elf_machine: int
    """What native code for it carries in its header (`e_machine`)."""

    @property
    def pip_options(self) -> list[str]:
        """Have pip choose wheels for this machine, and nothing that it would have to compile."""
        tags = [
            f"manylinux_2_{minor}_{self.machine}" for minor in range(OLDEST_MINOR, GLIBC_MINOR + 1)
        ]
        options = ["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON]
        for abi in (f"cp{PYTHON.replace('.', '')}", "abi3", "none"):
            options += ["--abi", abi]
        for tag in (*tags, f"manylinux2014_{self.machine}"):
            options += ["--platform", tag]
        return options


PLATFORMS: Final = {X86: Platform(X86, "x86_64", 62), ARM: Platform(ARM, "aarch64", 183)}


def platform_of(architecture: str) -> Platform:
    """Look a platform up by Lambda's name; raises PackageError."""
    if architecture not in PLATFORMS:
        raise PackageError(
            f"Lambda has no architecture '{architecture}': choose {' or '.join(PLATFORMS)}."
        )
    return PLATFORMS[architecture]


def architecture_here() -> str:
    """Give Lambda's name of this machine's kind; raises PackageError."""
    for found in PLATFORMS.values():
        if platform.machine() in (found.machine, found.architecture):
            return found.architecture
    raise PackageError(f"Lambda has no machines of this one's kind, {platform.machine()}.")


def architecture_of(stage: Stage) -> str:
    """Give a stage's architecture as Chalice reads it: the stage's, else the app's, else x86_64."""
    key = "lambda_architecture"
    return str(stage.config["stages"][stage.name].get(key) or stage.config.get(key) or X86)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print pip's options for an architecture; returns the exit status."""
    return program(print_options, arguments, name="python -m aurora_restore.packaging.platforms")


def print_options(
    architecture: Annotated[str, typer.Argument(help="As Lambda calls it: x86_64 or arm64.")],
) -> int:
    """Print pip's options for the wheels that Lambda's runtime can load."""
    try:
        options = platform_of(architecture).pip_options
    except PackageError as error:
        raise OptionError(str(error)) from error
    sys.stdout.write(f"{' '.join(options)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
