"""The invariants, one class each: what must hold of every history, whatever goes wrong in it."""

from simulation.invariants.changes import SingleTerminalState, Version
from simulation.invariants.effects import EffectOnce, ExpectedResources
from simulation.invariants.ends import Deadline, ExplainsFailure, Notified
from simulation.invariants.invariant import Invariant
from simulation.invariants.locks import Lock, NoLeakedLocks
from simulation.invariants.ownership import OnlyOwned, Source
from simulation.invariants.pointers import PointersTrue
from simulation.invariants.secrecy import LoginsRevoked, Readers, Secret
from simulation.invariants.swaps import (
    NoDeletionWhileMoving,
    NoThirdCluster,
    ProvenFirst,
    TargetKept,
)

INVARIANTS: tuple[type[Invariant], ...] = (
    SingleTerminalState,  # at most one terminal state, nothing after it
    Version,  # one version and one row for each change, which the flow knows
    EffectOnce,  # no effect twice in an attempt or a visit
    ExpectedResources,  # a success left exactly the wanted cluster, instances and copy
    Source,  # the source is never named by a call that changes something
    OnlyOwned,  # only what carries our tag is changed, only the victim deleted
    Lock,  # one operation at a time on a target
    NoLeakedLocks,  # nothing open or held at rest
    Deadline,  # every state is left in time
    ExplainsFailure,  # an end that is no success says why, and what to do
    Notified,  # people and machines were told of every end
    Secret,  # no secret in any text
    LoginsRevoked,  # no success while production's logins work
    NoDeletionWhileMoving,  # nothing is deleted while clusters change their names
    ProvenFirst,  # the old target goes only after the new one was proven at the name
    NoThirdCluster,  # no cluster of somebody else's is renamed, started, stopped or deleted
    PointersTrue,  # pointers name a cluster that was proven and lives
    TargetKept,  # a swap that fails leaves people what they had
    Readers,  # no reader while production's logins are open
)
