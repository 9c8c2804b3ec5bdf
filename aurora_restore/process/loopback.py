"""Loopback is never proxied: calls to this machine stay on it, whatever proxy the shell names.

Only the exceptions from the proxy are extended. The proxies themselves stay: people may need them
for AWS and for pip.
"""

import os
import socket
from collections.abc import Mapping
from typing import Final

HOSTS: Final = ("127.0.0.1", "localhost", "::1")
NAMES: Final = ("NO_PROXY", "no_proxy")  # programs differ in which of the two they read first


def has_many_addresses() -> bool:
    """Tell whether this machine answers on all of 127.0.0.0/8, as Linux does."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.83.0.1", 0))
        except OSError:
            return False
    return True


def direct_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Return both variables, with whatever either of them already excepts, and loopback."""
    excepted = [host.strip() for name in NAMES for host in environment.get(name, "").split(",")]
    if "*" in excepted:  # everything is direct; beside other names the star would mean nothing
        return dict.fromkeys(NAMES, "*")
    hosts = dict.fromkeys(host for host in [*excepted, *HOSTS] if host)
    return dict.fromkeys(NAMES, ",".join(hosts))


def keep_loopback_direct() -> None:
    """Do so for this process and for those that it starts."""
    os.environ.update(direct_loopback(os.environ))
