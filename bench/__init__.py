"""The benchmark.

What an operation adds to Aurora's own time, and what it costs, beside the ways people do this
today.

`make bench` runs it; `make bench WRITE=1` writes docs/performance.md.
"""

from aurora_restore.process.startup import begin

begin()
