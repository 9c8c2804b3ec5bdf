"""The zip alone, before the runtime's SDK, in an interpreter that knows nothing else: what Lambda
does at a cold start.
"""

from importlib.util import cache_from_source

import pytest

from chalicelib.flow.choreography import STEPS
from tests.packaging.unpacked import Unpacked

COUNTING = """
import importlib.machinery, importlib
compiled = []
class Counting:
    def source_to_code(self, data, path, **how):
        compiled.append(path)
        return real(self, data, path, **how)
real = importlib.machinery.SourceFileLoader.source_to_code
importlib.machinery.SourceFileLoader.source_to_code = Counting.source_to_code
"""
MODULES = {step: f"chalicelib.steps.{step.replace('-', '_')}" for step in STEPS}
MODULES["heartbeat"] = "chalicelib.runtime.heartbeat"


@pytest.mark.parametrize("function", MODULES)
def test_every_step_is_imported_from_the_zip_alone(unpacked: Unpacked, function: str) -> None:
    """Each step is imported from the zip alone and has its handler; the one for PostgreSQL loads
    the driver.
    """
    name = function.replace("-", "_")
    code = (
        f"import app, {MODULES[function]} as step; app.{name}, step.{name}; "
        "print('psycopg2' in sys.modules)"
    )

    assert [str(function == "setup-db-users")] == unpacked.run(code)


def test_what_is_imported_runs_its_bytecode(unpacked: Unpacked) -> None:
    """Imports run the zip's bytecode and write nothing, because the folder cannot be written to on
    Lambda.
    """
    before = unpacked.files()
    *compiled, cached = unpacked.run(
        COUNTING + f"import app, {', '.join(MODULES.values())}; print(*compiled, app.__cached__)"
    )

    assert [] == [path for path in compiled if path.startswith(str(unpacked.task))]
    assert cache_from_source(unpacked.task / "app.py") == cached
    assert before == unpacked.files()


def test_the_libraries_work_without_what_was_taken_out(unpacked: Unpacked) -> None:
    """The libraries work without the parts that were pruned: models, logs, metrics, and the driver
    with TLS.
    """
    code = """
import contextlib, io, json, psycopg2, psycopg2.extensions, pydantic
import typing_inspection.introspection
from chalicelib.observability import count, logger
from chalicelib.settings import Settings
lines = io.StringIO()
with contextlib.redirect_stdout(lines):
    count("Tried", "dev")
print(json.loads(lines.getvalue())["stage"], pydantic.VERSION == pydantic.version.VERSION)
given = {"ENVIRONMENT": "dev", "STATE_TABLE_NAME": "state", "AUDIT_TABLE_NAME": "audit"}
print(psycopg2.__libpq_version__ // 10000 >= 14, Settings.of_environment(given).stage)
"""

    assert ["dev", "True", "True", "dev"] == unpacked.run(code)
