"""The operator's package: `aurora-restore`, or `python -m aurora_restore` in a checkout.

`cli` has one file per verb; `deployment`, `doctor` and `packaging` do the work. They are clients of
AWS, or of localaws, and are never deployed. All of it may import `chalicelib`, whose names and
rules it shares; only `cli` imports the demo, and nothing here imports localaws or the simulation.
"""

from aurora_restore.process.startup import begin

__version__ = "0.1.0"

begin()
