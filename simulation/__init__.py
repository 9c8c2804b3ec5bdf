"""The fault simulation: the app on a virtual clock with the model of Aurora, checked by invariants.

`simulation.py` composes a `stage.py` (the account and its in-memory twins), a `bus.py` (events),
the `functions.py` that run, an `injector.py` (which fault comes where) and a `recorder.py`, whose
`checker/` holds the history against `invariants/`. `scenarios.py` and `actions.py` say what happens
besides, `run.py` plays one run, `explore.py`, `random_search.py` and `stateful.py` play many.

Never deployed. It may import chalicelib and localaws; tests and bench import it. `make prove` runs
it, and `python -m simulation.checker` checks a run in a real account.
"""

from aurora_restore.process.startup import begin

begin()
