"""The page that `make up` prints: lines that work wherever and however they are pasted."""

import re
import shlex
from pathlib import Path

from demo.up.usage import page

PAGE = page("http://127.0.0.1:4600", Path("/tmp/my world")).splitlines()  # noqa: S108  # a name
EXPANDS_IN_ZSH = set("'\"`$?*[]()<>|&;!~=")


def test_comments_may_be_pasted_into_zsh() -> None:
    """A comment pasted into zsh, which runs it as an unknown command, opens and expands nothing."""
    comments = [line for line in PAGE if line.startswith("#")]

    assert len(comments) > 5
    assert [] == [line for line in comments if EXPANDS_IN_ZSH & set(line)]


def test_words_that_a_shell_would_expand_are_quoted() -> None:
    """A query with brackets is no pattern of files, and a folder with a space is one word."""
    bare = [re.sub(r"'[^']*'", "", line) for line in PAGE if not line.startswith("#")]

    assert [] == [line for line in bare if set("[]*?") & set(line)]
    (doctor,) = [line for line in PAGE if " doctor " in line]
    assert "CHECKOUT=/tmp/my world/checkout" in shlex.split(doctor)


def test_psql_never_waits_for_a_password() -> None:
    """The printed psql lines never wait for a password: one that could not be fetched is a
    refusal.
    """
    assert ["psql -w"] == re.findall(r"psql -\w", "\n".join(PAGE))
