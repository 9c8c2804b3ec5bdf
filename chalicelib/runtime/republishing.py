"""When a state is announced again whose event nobody answered."""

from datetime import timedelta

from chalicelib.ports import Ports


def republish_after(ports: Ports) -> timedelta:
    """Say how long an announcement may stay unanswered before it is repeated."""
    return timedelta(seconds=ports.settings.heartbeat_interval)
