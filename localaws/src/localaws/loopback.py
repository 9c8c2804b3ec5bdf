"""Requests to this machine never go through a proxy, whatever proxy the shell names.

Only the exceptions from the proxy are extended. The proxies themselves stay as they are.
"""

import os
from collections.abc import Mapping
from typing import Final

HOSTS: Final = ("127.0.0.1", "localhost", "::1")
NAMES: Final = ("NO_PROXY", "no_proxy")  # programs differ in which of the two they read first


def direct_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Return both variables: the hosts that either of them already excepts, and loopback."""
    excepted = [host.strip() for name in NAMES for host in environment.get(name, "").split(",")]
    if "*" in excepted:
        # Everything is direct already. Beside other names the star would mean nothing.
        return dict.fromkeys(NAMES, "*")
    hosts = dict.fromkeys(host for host in [*excepted, *HOSTS] if host)
    return dict.fromkeys(NAMES, ",".join(hosts))


def keep_loopback_direct() -> None:
    """Set both variables for this process and for those that it starts."""
    os.environ.update(direct_loopback(os.environ))
