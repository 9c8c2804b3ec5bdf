"""The default networks of moto's EC2: each region of an account has the same ids at every start."""

from typing import Any

from moto.ec2.models import EC2Backend
from moto.moto_api._internal import mock_random

_make = EC2Backend.__init__


def keep_ids() -> None:
    """Give default networks ids that depend on nothing but their region and account."""
    EC2Backend.__init__ = _with_fixed_ids  # type: ignore[method-assign, assignment]


def _with_fixed_ids(backend: EC2Backend, region_name: str, account_id: str) -> Any:
    # moto draws ids from one generator for all services, which goes on afterwards as it was.
    before = mock_random.getstate()
    mock_random.seed(f"{account_id}:{region_name}")
    try:
        _make(backend, region_name, account_id)
    finally:
        mock_random.setstate(before)
