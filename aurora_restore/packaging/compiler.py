"""Compiles files to bytecode: a program for an interpreter of its own, which has compiled nothing before.

Standard input is JSON, `[[source, bytecode, recorded path], …]`; they are compiled in this order.
The result follows from the sources, the order and the interpreter alone, because the caller fixes
the seed of its hashes.
"""

import json
import py_compile
import sys


def main() -> None:
    """Compile everything, or end at the first source that is no Python with a line that says where."""
    for source, bytecode, recorded in json.load(sys.stdin):
        try:
            py_compile.compile(
                source,
                bytecode,
                recorded,
                doraise=True,
                optimize=0,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except py_compile.PyCompileError as error:
            sys.exit(f"{source}, line {getattr(error.exc_value, 'lineno', '?')}: {error.exc_value}")


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(__doc__)
    main()
