"""The measurements of the package: what they count, how they are judged, and that the page's are of
this code.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aurora_restore.packaging.platforms import PLATFORMS
from aurora_restore.stages import FUNCTIONS
from bench.package.cold_starts import BARE, Start, start
from bench.package.figures import FunctionFigures, PackageFigures, PackageSize
from bench.package.metered import CallMeter
from chalicelib.flow.choreography import IN_VPC
from tests.packaging.unpacked import Unpacked
from tools.reference.package import goals, part

MEBI = 1 << 20
SLOW = "heartbeat"
GOOD = PackageFigures(
    python="3.13.0",
    machine="x86_64",
    boto3="1.0",
    rounds=15,
    restores=4,
    bare_seconds=0.2,
    packages=[PackageSize("x86_64", 11_990_000), PackageSize("arm64", 12_000_000)],
    functions=[
        FunctionFigures(name, 9, 1.6, 9, 2.5, 127 * MEBI, 3, 0.005, 0.02) for name in FUNCTIONS
    ],
)


def burn(seconds: float) -> None:
    """Keep the processor busy."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def failing() -> float:
    """Fail after a while."""
    burn(0.002)
    return 1 / 0


def changed(name: str, **to: float) -> PackageFigures:
    """Change what was measured of one function."""
    given: dict[str, Any] = dict(to)  # all of these are numbers
    functions = [
        replace(function, **given) if function.name == name else function
        for function in GOOD.functions
    ]
    return replace(GOOD, functions=functions)


def test_what_is_within_limits_is_met() -> None:
    """Figures within the limits are met without an explanation."""
    assert [True] * 7 == [goal.is_met for goal in goals(GOOD)]
    assert "missed" not in part(GOOD)


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        (changed(SLOW, start_processor=1.61), "start of a control function, times bare boto3"),
        (changed(IN_VPC, start_processor=1.81), f"start of `{IN_VPC}`, times bare boto3"),
        (changed(SLOW, peak_bytes=129 * MEBI), "MiB of memory of any function"),
        (changed(SLOW, own_seconds=0.006), "own ms of a control function's warm invocation"),
        (changed(IN_VPC, own_seconds=0.006), f"own ms of a warm invocation of `{IN_VPC}`"),
        (
            replace(GOOD, packages=[PackageSize("x86_64", 12_000_001)]),
            "MB of the zip for x86_64, with bytecode",
        ),
        (
            replace(GOOD, packages=[PackageSize("arm64", why_none="No wheel.")]),
            "MB of the zip for arm64, with bytecode",
        ),
    ],
)
def test_one_function_beyond_a_limit_misses_it(figures: PackageFigures, missed: str) -> None:
    """One function beyond a limit misses it: the worst counts, and a package that cannot be made is
    never small.
    """
    assert [missed] == [goal.words for goal in goals(figures) if not goal.is_met]
    assert f"\n- **{missed}.**" in part(figures)


def test_setup_db_users_may_start_later() -> None:
    """The function setup-db-users may start later, because it loads the driver."""
    assert all(goal.is_met for goal in goals(changed(IN_VPC, start_processor=1.8)))


def test_figures_are_kept(tmp_path: Path) -> None:
    """Figures are read back as they were written."""
    GOOD.write(tmp_path / "figures.json")

    assert PackageFigures.read(tmp_path / "figures.json") == GOOD


def test_the_kept_figures_are_whole() -> None:
    """The kept figures have each function and each architecture, with the full number of starts."""
    kept = PackageFigures.read()

    assert list(FUNCTIONS) == [function.name for function in kept.functions]
    assert list(PLATFORMS) == [package.architecture for package in kept.packages]
    assert 15 == kept.rounds
    assert [] == [function.name for function in kept.functions if not function.warm]


def test_a_start_is_measured_in_an_interpreter_of_its_own(unpacked: Unpacked) -> None:
    """A start is measured in an interpreter of its own; which kind takes longer is the benchmark's
    to say.
    """
    seen = [start(name, unpacked.task, unpacked.runtime) for name in (BARE, IN_VPC)]

    assert all(start.clock > 0 and start.processor > 0 for start in seen)


def test_the_median_of_starts_is_that_of_each_clock() -> None:
    """The median of starts is taken for each clock, and multiples are of the same clock."""
    middle = Start.median([Start(3, 1), Start(1, 2), Start(2, 30)])

    assert Start(2, 2) == middle
    assert Start(4, 0.5) == Start(8, 1).times(middle)


def test_a_meter_counts_what_it_wraps_once() -> None:
    """A meter counts nested calls once, and a call that fails has taken its time all the same."""
    meter = CallMeter()
    making = meter.wrap("clients", lambda: burn(0.002))
    calling = meter.wrap("calls", making)
    making()
    made = dict(meter.seconds)
    calling()

    assert made["clients"] >= 0.002 > made["calls"]
    assert made["clients"] == meter.seconds["clients"]
    assert meter.seconds["calls"] >= 0.002

    with pytest.raises(ZeroDivisionError):
        meter.wrap("clients", failing)()

    assert meter.seconds["clients"] >= 0.004
