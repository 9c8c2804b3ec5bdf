"""Loopback is never proxied, in no process of ours.

People's proxies for everything else stay as they are.
"""

import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from localaws.clients import local_environment
from localaws.workers import Specification, environment_of

from aurora_restore.process.loopback import direct_loopback
from demo.up.usage import page
from tests.docs.readme import commands


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "intranet, localhost"}, "intranet,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "one", "no_proxy": "two"}, "one,two,127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*"),
    ],
    ids=["nothing", "one variable", "both", "everything"],
)
def test_what_is_excepted_already_stays_so(shell: dict[str, str], expected: str) -> None:
    """Programs read one of the two variables or the other, so both get the same hosts."""
    assert {"NO_PROXY": expected, "no_proxy": expected} == direct_loopback(shell)


def is_direct(environment: Mapping[str, str]) -> bool:
    """Tell what Python's own rule makes of an environment in which every proxy is set."""
    excepted = {"no": environment["no_proxy"]}
    return bool(urllib.request.proxy_bypass_environment("127.0.0.1:4577", excepted))  # type: ignore[attr-defined]


def test_the_exports_that_are_printed_except_it() -> None:
    """The exports that `make up` and the README tell people to type except loopback."""
    printed = [
        line
        for line in page("http://127.0.0.1:4577", Path("/world")).splitlines()
        if line.startswith("export ")
    ]
    (exports, *_) = commands("Keep it running")

    assert is_direct(local_environment("http://127.0.0.1:4577", "us-west-2"))
    assert [1, 1] == [
        "\n".join(printed).count(f"export {name}=") for name in ("NO_PROXY", "no_proxy")
    ]
    assert [1, 1] == [exports.count(f" {name}=") for name in ("NO_PROXY", "no_proxy")]


def test_a_function_whose_own_settings_name_a_proxy_reaches_localaws() -> None:
    """A function whose own settings name a proxy, as in a VPC, still reaches localaws, which is not
    beyond it.
    """
    folder = Path("/nowhere")
    settings = (("HTTP_PROXY", "http://proxy:3128"), ("NO_PROXY", "169.254.169.254"))
    function = Specification(
        "arn",
        "name",
        "1",
        "us-west-2",
        "app.f",
        folder,
        folder,
        settings,
        60,
        128,
        "http://127.0.0.1:4577",
        "role",
    )
    environment = environment_of(function, "stream", {})

    assert ("http://proxy:3128", True) == (environment["HTTP_PROXY"], is_direct(environment))
    assert "169.254.169.254" in environment["NO_PROXY"]
