"""Amazon's roots: which regions the bundle covers, how others are refused, and how the bundle is
refreshed.
"""

import datetime as dt
import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from cryptography import x509

from aurora_restore.cli.verbs import run_verb
from chalicelib.database.endpoint import BUNDLED_ROOTS
from chalicelib.database.root_certificates import refuse_uncovered_region, regions_of
from chalicelib.flow.errors import RefusedError
from tests.database.tls import Authority, rds_root

README = BUNDLED_ROOTS.with_suffix(".README").read_text(encoding="utf-8")
OLD = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@contextmanager
def published(content: bytes) -> Iterator[str]:
    """Serve a file over HTTP on this machine; yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/global-bundle.pem"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refreshed(bundle: Path, content: bytes) -> int:
    """Refresh a bundle from what is published; returns the exit status."""
    with published(content) as url:
        return refresh(bundle, url)


def refresh(bundle: Path, url: str) -> int:
    """Run the command for the checkout that a bundle belongs to; returns the exit status."""
    return run_verb(["refresh-roots", "--url", url, "--checkout", str(bundle.parents[1])])


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Give a copy of the bundle that may change."""
    (tmp_path / "chalicelib").mkdir()
    return Path(shutil.copy(BUNDLED_ROOTS, tmp_path / "chalicelib"))


def test_the_bundles_readme_lists_the_regions_that_it_covers_and_those_that_it_does_not() -> None:
    """The bundle's README lists the regions that it covers: those of the commercial partition in
    which the SDK knows RDS.
    """
    offered = set(boto3.Session().get_available_regions("rds"))
    covered, missing = (
        set(re.findall(r"[a-z]+-[a-z]+-\d", part)) for part in README.split("not yet these")[:2]
    )

    assert regions_of(BUNDLED_ROOTS) == covered
    assert offered - covered == missing


def test_a_region_without_a_root_is_refused_with_the_command_that_fetches_it() -> None:
    """A region without a root is refused: a target there could not prove its identity later."""
    with pytest.raises(RefusedError, match="no certificate authority of mx-central-1") as refusal:
        refuse_uncovered_region("mx-central-1")

    assert "make refresh-roots" in refusal.value.remedy


def test_a_refresh_brings_a_new_region(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal's command does what it says, and the regions that the file does not speak of stay
    covered.
    """
    assert 0 == refreshed(bundle, rds_root("mx-central-1"))

    refuse_uncovered_region("mx-central-1", bundle)
    assert regions_of(BUNDLED_ROOTS) | {"mx-central-1"} == regions_of(bundle)
    assert "New regions: mx-central-1." in capsys.readouterr().out


def test_a_refresh_replaces_the_roots_of_a_region(bundle: Path) -> None:
    """A root that Amazon has replaced is not trusted any more."""
    assert 0 == refreshed(bundle, rds_root("us-east-1"))

    roots = x509.load_pem_x509_certificates(bundle.read_bytes())
    names = [root.subject.rfc4514_string().removeprefix("CN=").partition(",")[0] for root in roots]
    found = [name for name in names if "RDS us-east-1" in name]

    assert ["Amazon RDS us-east-1 Root CA ECC384 G1"] == found


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>not found</html>", "no certificates"),
        (Authority.create().pem, "not of Amazon RDS: CN=Local Root"),
        (rds_root("mx-central-1", until=OLD), "None of the 1 certificates is a root"),
        (
            rds_root("mx-central-1", signed_by=Authority.create()),
            "None of the 1 certificates is a root",
        ),
    ],
    ids=["a page", "a stranger's", "expired", "an intermediate"],
)
def test_what_is_no_valid_root_of_amazons_is_not_taken_in(
    bundle: Path, capsys: pytest.CaptureFixture[str], content: bytes, why: str
) -> None:
    """A file that is no valid root of Amazon's is not added: the bundle stays as it is, and the
    command says why.
    """
    assert 1 == refreshed(bundle, content)

    assert BUNDLED_ROOTS.read_bytes() == bundle.read_bytes()
    assert why in capsys.readouterr().err


def test_roots_are_fetched_by_https_only(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An address without TLS is refused, since nothing proves that its answer is Amazon's."""
    assert 1 == refresh(bundle, "http://example.com/global-bundle.pem")

    assert "no https address" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_reported(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody answers, the command says so and the bundle stays as it is."""
    with published(b"") as url:
        pass

    assert 1 == refresh(bundle, url)
    assert f"{url} could not be fetched: Connection refused.\n" in capsys.readouterr().err


def test_a_folder_that_is_no_checkout_is_a_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status is 2, as in every verb."""
    assert 2 == run_verb(["refresh-roots", "--checkout", str(tmp_path)])
    assert "is no checkout of aurora-restore" in capsys.readouterr().err
