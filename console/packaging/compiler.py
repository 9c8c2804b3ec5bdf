"""Compiles files to bytecode: a program for an interpreter of its own, which has compiled nothing before.

Standard input is JSON, `[[source, bytecode, recorded path], …]`; they are compiled in this order. The result follows
from the sources, the order and the interpreter alone, because the caller fixes the seed of its hashes.
"""

import json
import py_compile
import sys

if __name__ == "__main__":
    for source, bytecode, recorded in json.load(sys.stdin):
        py_compile.compile(
            source, bytecode, recorded, doraise=True, optimize=0,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )  # fmt: skip
