"""The promises, one class each: what must hold of every history, whatever goes wrong in it."""

from simulation.invariants.changes import OneEnd, Version
from simulation.invariants.effects import Once, Wanted
from simulation.invariants.ends import Deadline, SaysWhy, Told
from simulation.invariants.invariant import Promise
from simulation.invariants.locks import Free, Lock
from simulation.invariants.ownership import Ours, Source
from simulation.invariants.secrecy import Closed, Readers, Secret

PROMISES: tuple[type[Promise], ...] = (
    OneEnd,  # at most one terminal state, nothing after it
    Version,  # one version and one row for each change, which the flow knows
    Once,  # no effect twice in an attempt or a visit
    Wanted,  # a success left exactly the wanted cluster, instances and copy
    Source,  # the source is never named by a call that changes something
    Ours,  # only what carries our tag is changed, only the victim deleted
    Lock,  # one operation at a time on a target
    Free,  # nothing open or held at rest
    Deadline,  # every state is left in time
    SaysWhy,  # an end that is no success says why, and what to do
    Told,  # people and machines were told of every end
    Secret,  # no secret in any text
    Closed,  # no success while production's logins work
    Readers,  # no reader while production's logins are open
)
