"""How to start the demo again with more time, spelt as it was started: by make, or by `python -m`."""

import shlex
from argparse import Namespace
from collections.abc import Iterator


def with_more_time(options: Namespace, defaults: Namespace, *, by_make: bool) -> str:
    """Write the command, with everything that was given and twice the time."""
    given = [name for name in vars(options) if getattr(options, name) != getattr(defaults, name)]
    values = {name: getattr(options, name) for name in given} | {
        "timeout": f"{2 * options.timeout:g}"
    }
    words = _for_make(values) if by_make else _for_python(values)
    return shlex.join(words)


def _for_make(values: dict[str, object]) -> Iterator[str]:
    yield from ("make", "demo")
    yield from (f"{name.upper()}={_text(value)}" for name, value in values.items())


def _for_python(values: dict[str, object]) -> Iterator[str]:
    yield from ("python", "-m", "demo")
    for name, value in values.items():
        yield f"--{name}"
        yield from () if value is True else (_text(value),)


def _text(value: object) -> str:
    return "1" if value is True else str(value)
