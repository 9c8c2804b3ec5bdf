"""The page that `make up` prints: lines that work wherever and however they are pasted."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("named", ["staging-cluster", "staging-cluster-b"])
def test_psql_asks_the_cluster_that_the_secret_names(named: str) -> None:
    """With pointers the target's own name is that of the cluster before, or nobody's."""
    secret = {"app_password": "pw"} | ({"cluster_id": named} if named[-2] == "-" else {})
    answer = shlex.quote(json.dumps(secret))
    programs = f"""
      aws() {{ case "$1" in rds) echo "host-of-$4";; *) echo {answer};; esac; }}
      psql() {{ echo "$PGPASSWORD $*"; }}
    """
    (line,) = [line for line in PAGE if line.startswith("PGPASSWORD=")]
    said = subprocess.run(
        ["/bin/sh", "-c", f"{programs}\n{line}"], capture_output=True, text=True, check=True
    ).stdout

    assert said.startswith(f"pw -w -h host-of-{named} ")
