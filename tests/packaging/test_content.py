"""What is in the zip: all that Lambda needs and nothing else, for its machine, compiled."""

import importlib.util
import marshal
import stat
import sys
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import CodeType

from aurora_restore.packaging.archive import MODE
from aurora_restore.packaging.building import Built, build
from aurora_restore.packaging.platforms import ARM, PLATFORMS, X86
from aurora_restore.packaging.prune import NEVER_IMPORTED
from aurora_restore.packaging.sdk_data import SERVICES
from aurora_restore.stages import Stage
from tests.packaging.checkouts import checkout
from tests.packaging.imports import imported
from tests.packaging.packaged import APP, fresh
from tests.packaging.unpacked import Unpacked

BYTES_MAX = 12_000_000
OWN = {"app.py", "chalicelib", "chalice", "__pycache__"}
NEEDED = {
    "annotated_types",
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "psycopg2",
    "psycopg2_binary.libs",
    "pydantic",
    "pydantic_core",
    "s3transfer",
    "six.py",
    "typing_extensions.py",
    "typing_inspection",
    "urllib3",
}
PACKAGES = Path(str(metadata.distribution("boto3").locate_file("")))
LIBRARIES = {name for name in NEEDED if (PACKAGES / name / "__init__.py").is_file()}
UNCHECKED = 0b01  # a hash stands where a time would, and is not looked at (PEP 552)
ELF = b"\x7fELF"
LOADED = (
    "import sys, app, {}; from chalicelib.aws.client import clients; "
    "[clients(service, 'us-west-2') for service in {!r}]; print(*sys.modules)"
)
EVERY_STEP = ", ".join(
    f"chalicelib.steps.{file.stem}"
    for file in sorted((APP / "chalicelib" / "steps").glob("[a-z]*.py"))
)
# What a library loads for something that the app does not ask for.
UNASKED = {
    # Powertools logs whole events, which would print what people put into them.
    "aws_lambda_powertools.event_handler.openapi.compat",
    "aws_lambda_powertools.event_handler.openapi.compat._model_dump",
    # botocore signs with AWS's own runtime in C, where that is installed.
    "botocore.crt.auth",
    "botocore.crt.auth.CRT_AUTH_TYPE_MAPS",
    # dateutil asks Windows for its zones.
    "dateutil.tz.win",
    "dateutil.tz.win.tzwin",
    "dateutil.tz.win.tzwinlocal",
    # botocore looks for a context of pyOpenSSL, and takes Python's own without it.
    "urllib3.contrib.pyopenssl",
    "urllib3.contrib.pyopenssl.orig_util_SSLContext",
    # urllib3 speaks HTTP/2 where that is asked for.
    "urllib3.http2.connection",
    "urllib3.http2.connection.HTTP2Connection",
    # dateutil reads iCalendar's zones, and has its own where the system has none.
    "dateutil.rrule",
    "dateutil.zoneinfo",
    "dateutil.zoneinfo.get_zonefile_instance",
    # psycopg2 registers types of JSON and ranges for one connection.
    "psycopg2.extras",
    "psycopg2.extras._solve_conn_curs",
    # pydantic meets a type of its version 1.
    "pydantic.v1",
    "pydantic.v1.BaseModel",
    # urllib3 runs in a browser.
    "urllib3.contrib.emscripten",
    "urllib3.contrib.emscripten.inject_into_urllib3",
}
WHOLE_EVENTS = "inject_lambda_context"


def test_the_zip_is_small(built: Built) -> None:
    """The zip is small, bytecode included."""
    assert BYTES_MAX >= built.zip.stat().st_size


def test_the_zips_root_is_what_the_app_needs(unpacked: Unpacked) -> None:
    """The zip's root has the app, its dependencies, boto3 among them, and Chalice's two files."""
    assert OWN | NEEDED == {path.name for path in unpacked.task.iterdir()}
    assert ["__init__.py", "app.py"] == [
        path.name for path in sorted((unpacked.task / "chalice").glob("*.py"))
    ]


def test_nothing_superfluous_is_inside(unpacked: Unpacked) -> None:
    """The zip has no tests, type stubs, scripts, metadata, hidden files, or parts of Powertools
    that nothing imports.
    """
    kinds = {".py", ".pyc", ".pem", ".json", ".gz"}
    files = unpacked.files()
    words = {word for file in files for word in Path(file).parts}

    assert [] == [file for file in files if Path(file).suffix not in kinds and ".so" not in file]
    assert [] == [
        word for word in words if word.startswith((".", "test_")) or word.endswith("-info")
    ]
    assert set() == words & {"tests", "test", "bin"}
    assert [] == [part for part in NEVER_IMPORTED if (unpacked.task / part).exists()]


def test_everything_of_chalicelib_is_inside(unpacked: Unpacked) -> None:
    """All of chalicelib is in the zip, except what only people read."""
    source = APP / "chalicelib"
    files = {
        f.relative_to(source)
        for f in source.rglob("*")
        if f.is_file() and "__pycache__" not in f.parts
    }
    found = {str(f) for f in files if not (unpacked.task / "chalicelib" / f).is_file()}

    assert {"rds-ca-bundle.README"} == found


def test_every_module_that_the_app_imports_is_there(unpacked: Unpacked) -> None:
    """Each module that the app imports, also late, is in the zip or in Python itself: nothing is
    left to what Lambda's runtime brings along.
    """
    wanted = {name.partition(".")[0] for name in imported(_own_sources(unpacked))}
    there = {Path(name).stem for name in OWN | NEEDED} | sys.stdlib_module_names

    assert set() == wanted - there


def test_nothing_imports_the_parts_that_are_left_out(unpacked: Unpacked) -> None:
    """Neither the app nor what it loads of its libraries imports the parts that are left out, but
    for what the app does not ask for.
    """
    loaded = fresh(LOADED.format(EVERY_STEP, SERVICES), ENVIRONMENT="dev")
    files = [
        Path(spec.origin)
        for name in loaded
        if name.partition(".")[0] in LIBRARIES
        and (spec := importlib.util.find_spec(name))
        and spec.origin
        and spec.origin.endswith(".py")
    ]
    own = _own_sources(unpacked)

    assert LIBRARIES == {name for name in loaded if name in LIBRARIES}
    assert [] == _left_out(loaded)
    assert [] == _left_out(imported(own))
    assert UNASKED == set(_left_out(imported(files, PACKAGES)))
    assert [] == [file.name for file in own if WHOLE_EVENTS in file.read_text()]


def test_what_is_left_out_is_there_to_be_left_out() -> None:
    """Each part that is left out exists: one that a library renamed would come back in
    unnoticed.
    """
    assert [] == [part for part in NEVER_IMPORTED if not (PACKAGES / part).exists()]


def test_every_source_has_its_bytecode(unpacked: Unpacked) -> None:
    """Each source has its bytecode, of the kind that Python takes unchecked, with its path on
    Lambda.
    """
    sources = [file for file in unpacked.files() if file.endswith(".py")]
    cached = {file: importlib.util.cache_from_source(unpacked.task / file) for file in sources}
    compiled = {file: Path(path).read_bytes() for file, path in cached.items()}

    assert len(sources) == len([file for file in unpacked.files() if file.endswith(".pyc")])
    assert {(importlib.util.MAGIC_NUMBER, UNCHECKED)} == {
        _head(content) for content in compiled.values()
    }
    assert [] == [
        file
        for file, content in compiled.items()
        if f"/var/task/{file}" != _code(content).co_filename
    ]


def test_native_code_is_that_of_the_machine(unpacked: Unpacked) -> None:
    """Native code is that of x86-64, and extension modules are those of this Python."""
    native = [unpacked.task / file for file in unpacked.files() if ".so" in file]
    found = {file.name.partition(".")[0] for file in native if "cpython" in file.name}

    assert {"_psycopg", "_pydantic_core"} == found
    assert {PLATFORMS[X86].elf_machine} == {_elf_machine(file) for file in native}
    assert [] == [
        file.name for file in native if "cpython" in file.name and not _fits(file, "x86_64")
    ]


def test_arm64_gets_native_code_of_its_own(wheels: Path, tmp_path: Path) -> None:
    """The arm64 package has native code of its own, from the same folder of wheels."""
    copied = checkout(tmp_path / "checkout", "pydantic")
    arm = build(
        Stage.read("dev"), tmp_path / "arm", checkout=copied, architecture=ARM, wheels=wheels
    )
    native = [file for file in (arm.folder / "vendor").rglob("*.so*") if file.is_file()]

    assert ["_pydantic_core"] == [file.name.partition(".")[0] for file in native]
    assert [PLATFORMS[ARM].elf_machine] == [_elf_machine(file) for file in native]
    assert _fits(native[0], "aarch64")
    assert arm.zip.name.endswith(f"-python3.{sys.version_info.minor}-arm64.zip")


def test_the_driver_for_arm64_is_there(wheels: Path, tmp_path: Path) -> None:
    """The driver for arm64 is a version whose wheel Lambda's glibc can load and that fits the limit
    of 12 MB.
    """
    arm = build(Stage.read("dev"), tmp_path / "arm", architecture=ARM, wheels=wheels)
    native = [file for file in (arm.folder / "vendor").rglob("*.so*") if file.is_file()]

    assert {"_psycopg", "_pydantic_core"} <= {file.name.partition(".")[0] for file in native}
    assert {PLATFORMS[ARM].elf_machine} == {_elf_machine(file) for file in native}
    assert arm.zip.stat().st_size <= BYTES_MAX


def test_the_zip_is_in_order(built: Built) -> None:
    """The zip is in order: Chalice's files and ours, then the vendored ones, each sorted and there
    once, of one time, readable by all.
    """
    with zipfile.ZipFile(built.zip) as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    own, vendored = _own_part(names)

    assert ["chalice/app.py", "chalice/__init__.py", "app.py"] == names[:3]
    assert len({*names}) == len(names)
    assert sorted(own, key=_place) == own
    assert sorted(vendored, key=_place) == vendored
    assert {(MODE, (1980, 1, 1, 0, 0, 0))} == {
        (entry.external_attr >> 16, entry.date_time) for entry in entries
    }
    assert MODE & stat.S_IROTH


def _own_sources(unpacked: Unpacked) -> list[Path]:
    return [unpacked.task / "app.py", *(unpacked.task / "chalicelib").rglob("*.py")]


def _left_out(modules: Iterable[str]) -> list[str]:
    left_out = [part.removesuffix(".py").replace("/", ".") for part in NEVER_IMPORTED]
    return [name for name in modules if any(f"{name}.".startswith(f"{part}.") for part in left_out)]


def _head(bytecode: bytes) -> tuple[bytes, int]:
    return bytecode[:4], int.from_bytes(bytecode[4:8], "little")


def _code(bytecode: bytes) -> CodeType:
    code: CodeType = marshal.loads(bytecode[16:])  # noqa: S302 # our own
    return code


def _elf_machine(file: Path) -> int:
    head = file.read_bytes()[:20]
    assert head.startswith(ELF)
    return int.from_bytes(head[18:20], "little")


def _fits(file: Path, machine: str) -> bool:
    return file.name.endswith(f".cpython-3{sys.version_info.minor}-{machine}-linux-gnu.so")


def _own_part(names: list[str]) -> tuple[list[str], list[str]]:
    end = max(number for number, name in enumerate(names) if name.startswith("chalicelib/")) + 1
    return names[3:end], names[end:]


def _place(name: str) -> tuple[tuple[str, ...], str]:
    """Sort as a walk does that goes into folders in order, after the files of each."""
    return Path(name).parent.parts, Path(name).name
