"""The package that goes to Lambda: dependencies for its platform, with bytecode, in a zip that is always the same.

`building.build` makes a Chalice project of it, `python -m aurora_restore.packaging` does so from
the command line, and `python -m bench.package` measures what comes of it.
"""
