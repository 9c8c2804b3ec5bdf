"""The AWS SDK in the zip: it is the one of the lock, is found before Lambda's own, and can make
every client that the app asks for.
"""

import ast
import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader

from aurora_restore.packaging.errors import PackageError
from aurora_restore.packaging.sdk_data import MODELS, SERVICES, SHARED, trim
from tests.packaging.packaged import APP
from tests.packaging.unpacked import Unpacked

SDK = {  # by module, as the lock names it
    "boto3": "boto3",
    "botocore": "botocore",
    "dateutil": "python-dateutil",
    "jmespath": "jmespath",
    "s3transfer": "s3transfer",
    "six": "six",
    "urllib3": "urllib3",
}
OLDER = """
__version__ = "1.26.0"
raise AssertionError(f"{__name__} {__version__} was loaded, the older one")
"""
FACTORIES = {"service", "Service", "clients", "client", "resource", "Session"}
# Where a name of a service is only passed on: how `Service`, its ports and boto3 are called.
PASSED_ON = {
    "chalicelib/ports.py: Service(self.clients, name, region or self.region)",
    "chalicelib/aws/client.py: boto3.client(service, region_name=region, config=_CONFIG)",
}
VERSIONS = """
import importlib, app
for name in {modules!r}:
    module = importlib.import_module(name)
    print(name, module.__version__, module.__file__)
"""
CLIENTS = """
from chalicelib.aws.client import clients
for service in {services!r}:
    client = clients(service, "us-west-2")
    model, endpoint = client.meta.service_model, client.meta.endpoint_url
    print(service, model.api_version, len(model.operation_names), endpoint)
"""
PAGES = """
from chalicelib.aws.client import clients
for service, method in {pages!r}:
    print(service, method, clients(service, "us-west-2").can_paginate(method))
"""
REFUSED = """
from botocore.exceptions import UnknownServiceError
from chalicelib.aws.client import clients
try:
    clients("s3", "us-west-2")
except UnknownServiceError:
    print("refused")
"""
LOGGED = """
import contextlib, types
from chalicelib import lambdas
from chalicelib.flow.errors import SettingsError
for _ in range(2):  # without a stage's tables every tick fails
    with contextlib.suppress(SettingsError):
        lambdas.run_heartbeat(types.SimpleNamespace(context=None))
"""
LISTINGS = {"get_paginator", "pages"}


def sources() -> list[Path]:
    """List the app's sources."""
    return [APP / "app.py", *sorted((APP / "chalicelib").rglob("*.py"))]


def factory_calls() -> Iterator[tuple[str, ast.Call]]:
    """Find in the app's source every call that gives a client or a service."""
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and called(node.func) in FACTORIES:
                yield file.relative_to(APP).as_posix(), node


def called(function: ast.expr) -> str:
    """Give the last name of what is called."""
    return getattr(function, "attr", getattr(function, "id", ""))


def named(call: ast.Call) -> str | None:
    """Give the service that a call names, where it does so in letters."""
    first = call.args[1 if called(call.func) == "Service" else 0]
    return str(first.value) if isinstance(first, ast.Constant) else None


def listings() -> set[str]:
    """Name every method of which the app's source reads pages."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in sources()]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    first = [call.args[0] for call in calls if called(call.func) in LISTINGS and call.args]
    return {str(argument.value) for argument in first if isinstance(argument, ast.Constant)}


@pytest.fixture(scope="module")
def beside_older(unpacked: Unpacked, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """Put the zip before an older SDK, which cannot even be loaded."""
    runtime = tmp_path_factory.mktemp("runtime")
    for name in SDK:
        (runtime / name).mkdir()
        (runtime / name / "__init__.py").write_text(OLDER)
    return Unpacked(unpacked.task, runtime)


def test_every_service_that_the_app_calls_is_packed() -> None:
    """The services of the list are those that the app's source names, and no call hides its own."""
    calls = list(factory_calls())
    hidden = {f"{file}: {ast.unparse(call)}" for file, call in calls if named(call) is None}

    assert PASSED_ON == hidden
    assert {*SERVICES} == {named(call) for _, call in calls} - {None}


def test_the_packed_sdk_is_found_before_an_older_one(beside_older: Unpacked) -> None:
    """Each module of the SDK is the zip's, at the version of the lock, and not Lambda's own."""
    lock = (APP / "requirements-dev.lock").read_text().splitlines()
    pinned = dict(line.split("==") for line in lock if "==" in line)
    expected = [
        word
        for module, name in SDK.items()
        for word in (module, pinned[name], str(_place(beside_older.task, module)))
    ]

    assert expected == beside_older.run(VERSIONS.format(modules=tuple(SDK)))


def test_the_heartbeat_logs_the_sdk_once(beside_older: Unpacked) -> None:
    """The heartbeat logs the version of the SDK and its folder, once in a process."""
    line = json.loads(" ".join(beside_older.run(LOGGED)))
    lock = (APP / "requirements-dev.lock").read_text().splitlines()

    assert f"boto3=={line['sdk_version']}" in lock
    assert str(beside_older.task / "boto3") == line["sdk_folder"]
    assert f"The AWS SDK is boto3 {line['sdk_version']}." == line["message"]


OF_ALL_REGIONS = {"route53"}  # it has one endpoint


def test_the_packed_sdk_makes_every_client(beside_older: Unpacked) -> None:
    """The packed SDK makes a client of each service, of the same API and endpoint as the whole."""
    words = iter(beside_older.run(CLIENTS.format(services=SERVICES)))
    whole = Loader()

    for service, version, operations, endpoint in zip(words, words, words, words, strict=True):
        model = whole.load_service_model(service, "service-2")
        assert model["metadata"]["apiVersion"] == version
        assert len(model["operations"]) == int(operations)
        where = "" if service in OF_ALL_REGIONS else ".us-west-2"
        assert f"https://{service}{where}.amazonaws.com" == endpoint


def test_the_packed_sdk_reads_every_listing(beside_older: Unpacked) -> None:
    """Each listing that the app reads page by page can be read so with the packed models."""
    whole = Loader()
    pages = [
        (service, method)
        for service in SERVICES
        for name in whole.load_service_model(service, "paginators-1")["pagination"]
        if (method := botocore.xform_name(name)) in listings()
    ]
    seen = beside_older.run(PAGES.format(pages=pages))

    assert listings() == {method for _, method in pages}
    assert [word for pair in pages for word in (*pair, "True")] == seen


def test_a_service_that_is_not_packed_is_refused(beside_older: Unpacked) -> None:
    """A client of another service is refused, and its model is not looked for elsewhere."""
    assert ["refused"] == beside_older.run(REFUSED)


def test_the_models_have_all_that_a_client_reads(unpacked: Unpacked) -> None:
    """Of botocore's data the zip has what a client reads, in one version of each API, unchanged but
    for the texts of documentation.
    """
    packed = unpacked.task / "botocore" / "data"
    whole = Path(botocore.__file__).parent / "data"
    files = [file.relative_to(packed) for file in packed.rglob("*") if file.is_file()]
    versions = {(file.parts[0], file.parts[1]) for file in files if len(file.parts) > 1}

    assert {*SHARED} == {file.name for file in files if len(file.parts) == 1}
    assert sorted(SERVICES) == sorted(service for service, _ in versions)
    assert {*MODELS} >= {file.name.removesuffix(".gz") for file in files if len(file.parts) > 1}
    models = [file for file in files if file.name == "service-2.json.gz"]
    assert len(SERVICES) == len(models)
    assert [] == [file for file in models if shapes(packed / file) != shapes(whole / file)]
    assert [] == [file for file in models if b'documentation":"' in unzipped(packed / file)]
    assert [] == [
        file
        for file in {*files} - {*models}
        if (packed / file).read_bytes() != (whole / file).read_bytes()
    ]


def unzipped(file: Path) -> bytes:
    """Read a compressed model."""
    return gzip.decompress(file.read_bytes())


def shapes(file: Path) -> dict[str, Any]:
    """Give what a client reads of a model: its calls, and of each shape its kind and members."""
    model = json.loads(unzipped(file))
    kinds = {
        name: (shape["type"], shape.get("required"), shape.get("enum"), [*shape.get("members", ())])
        for name, shape in model["shapes"].items()
    }
    calls = {name: call["http"] for name, call in model["operations"].items()}
    return {"metadata": model["metadata"], "calls": calls, "kinds": kinds}


def test_the_app_waits_for_nothing_by_a_waiter() -> None:
    """The app uses none of botocore's waiters, so their models are left out."""
    assert [] == [file.name for file in sources() if "get_waiter" in file.read_text()]


def test_a_service_without_a_model_fails_the_build(tmp_path: Path) -> None:
    """A service of the list that botocore no longer has fails the build, not a night."""
    data = tmp_path / "botocore" / "data"
    whole = Path(botocore.__file__).parent / "data"
    for service in SERVICES:
        shutil.copytree(whole / service, data / service)
    shutil.rmtree(data / "rds")
    (data / "rds" / "2099-01-01").mkdir(parents=True)

    with pytest.raises(PackageError, match=r"^botocore has no model of the service 'rds'\.$"):
        trim(tmp_path)


def _place(task: Path, module: str) -> Path:
    folder = task / module / "__init__.py"
    return folder if folder.exists() else task / f"{module}.py"
