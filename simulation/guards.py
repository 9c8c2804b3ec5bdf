"""All guards whose mutants are searched."""

from simulation.baseline_mutants import OF_BASELINE
from simulation.database_mutants import OF_DATABASES
from simulation.mutants import MUTANTS, Mutant
from simulation.pointer_mutants import OF_POINTERS
from simulation.swap_mutants import OF_SWAPS

GUARDS: tuple[Mutant, ...] = (
    *MUTANTS,
    *OF_SWAPS,
    *OF_POINTERS,
    *OF_BASELINE,
    *OF_DATABASES,
)
