"""One cold start.

`cold_start_program.py RUNTIME [PACKAGE HANDLER MODULE]` prints the seconds it took.

They are those of the clock, then those of the processor, which other programs on the machine do not
lengthen.

Without a package: bare boto3 with a client of RDS. With one: the app, its handler, the module of
its step, and the app's own client of RDS. The interpreter's own start is not in it.
"""

import time

BEGUN = time.perf_counter(), time.process_time()


def main() -> None:
    """Import what a start imports, and print the time."""
    import sys  # noqa: PLC0415 # as everything here, part of what is measured

    runtime, *app = sys.argv[1:] or ["--help"]
    if runtime.startswith("-"):
        sys.exit(__doc__)
    sys.path.append(runtime)
    if app:
        _start(*app)
    else:
        import boto3  # noqa: PLC0415

        boto3.client("rds")
    sys.stdout.write(f"{time.perf_counter() - BEGUN[0]} {time.process_time() - BEGUN[1]}\n")


def _start(package: str, handler: str, module: str) -> None:
    import importlib  # noqa: PLC0415
    import sys  # noqa: PLC0415

    sys.path.insert(0, package)
    getattr(importlib.import_module("app"), handler)
    if module:
        importlib.import_module(module)
    importlib.import_module("chalicelib.aws.client").clients("rds", "us-west-2")


if __name__ == "__main__":
    main()
