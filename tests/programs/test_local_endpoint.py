"""The checkout that `make up` makes for its own AWS is used with no other one."""

from pathlib import Path

import pytest

from aurora_restore.cli.attempt import read_stage
from aurora_restore.cli.doctor import doctor
from aurora_restore.stages import LOCAL_ENDPOINT
from demo.up.deployment import copy_app
from demo.up.names import STAGE

MADE_FOR = "http://127.0.0.1:4577"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy the app, as for the local AWS at `MADE_FOR`."""
    copy_app(tmp_path / "checkout")
    (tmp_path / "checkout" / LOCAL_ENDPOINT).write_text(MADE_FOR)
    return tmp_path / "checkout"


@pytest.mark.parametrize(
    ("exported", "told"), [("http://127.0.0.1:4600", "http://127.0.0.1:4600"), (None, "not set")]
)
def test_a_checkout_of_another_local_aws_is_refused(
    checkout: Path,
    exported: str | None,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The doctor names both addresses, and asks nobody."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if exported:
        monkeypatch.setenv("AWS_ENDPOINT_URL", exported)
    status, said = doctor(STAGE, checkout), capsys.readouterr()

    assert (2, "") == (status, said.out)
    assert said.err.startswith(
        f"{checkout} was made for the local AWS at {MADE_FOR}, and AWS_ENDPOINT_URL is {told}."
    )


def test_a_checkout_of_this_local_aws_is_read(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the address that it was made for, it is a checkout like any other."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", MADE_FOR)

    assert STAGE == read_stage(STAGE, checkout, "deploy").name
