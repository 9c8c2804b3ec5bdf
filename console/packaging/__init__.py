"""The package that goes to Lambda: dependencies for its platform, with bytecode, in a zip that is always the same.

`building.build` makes a Chalice project of it, `python -m console.packaging` does so from the command line, and
`python -m console.packaging.bench` measures what comes of it.
"""
