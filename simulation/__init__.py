"""The proof.

The choreography under every fault, judged by what is promised, and what an operation costs.

Never deployed. `make prove` runs it, `make bench` measures, and `python -m simulation.checker`
judges a run in a real account.
"""

from aurora_restore.process.startup import begin

begin()
