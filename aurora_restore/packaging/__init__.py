"""The package for Lambda: dependencies for its platform, with bytecode, in a reproducible zip.

`building.build` makes a Chalice project of it, `python -m aurora_restore.packaging` does so from
the command line, and `python -m bench.package` measures what comes of it. It may import `stages`
and `process`.
"""
