"""Copies of data folders: real ones to write to, hard links for the rest."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from localaws.postgres.programs import Programs

NOT_DATA: Final = shutil.ignore_patterns(
    "postmaster.pid", "postmaster.opts", "pg_internal.init", "pgsql_tmp*"
)


def copy_for_writing(source: Path, target: Path, programs: Programs) -> None:
    """Copy a data folder so that the copy shares nothing with it.

    The source must not be written to meanwhile.
    """

    def copy_file(original: str, copied: str) -> None:
        # The content alone: these are thousands of files, whose times and modes mean nothing.
        shutil.copyfile(original, copied)
        programs.own(copied)

    _copy(source, target, copy_file, programs)


def share_read_only(source: Path, target: Path, programs: Programs) -> None:
    """Give a data folder a second name through hard links.

    Safe because no server is ever started on a snapshot.
    """
    _copy(source, target, os.link, programs)


def _copy(
    source: Path, target: Path, copy_file: Callable[[str, str], object], programs: Programs
) -> None:
    """Copy under a scratch name first: a target that exists is whole."""
    scratch = target.with_name(f"{target.name}.part")
    shutil.copytree(source, scratch, ignore=NOT_DATA, copy_function=copy_file)
    for folder, _, _ in os.walk(scratch):
        programs.own(folder)
    scratch.rename(target)
