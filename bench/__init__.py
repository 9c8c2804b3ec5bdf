"""The benchmark: the time and cost that an operation adds, compared with other ways to do it.

`priced.py` runs the simulation with `latencies.py` and `prices.py`, counted by `meter.py` and
`rates.py`. `nights.py` measures single nights, `load.py` many operations at once, `rights.py` a
real PostgreSQL; `baselines.py` are the ways people do this today. `outage.py` sees in the model how
long people have no target, `restarts.py` has certificates that fit only after a restart.
`targets.py` has the limits, `document.py` writes docs/performance.md (`replacements.py` its first
section), and `package/` measures the zip.

Never deployed. It may import chalicelib, simulation, localaws, demo, tools and aurora_restore; of
these only tools imports it. `make bench` runs it; `make bench WRITE=1` writes the page.
"""

from aurora_restore.process.startup import begin

begin()
