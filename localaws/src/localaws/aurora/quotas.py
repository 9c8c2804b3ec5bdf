"""How much of each an account may have in a region: Aurora's default quotas.

The figures are those of the Aurora user guide, "Quotas and constraints for Amazon Aurora".
"""

from dataclasses import dataclass


@dataclass
class Quotas:
    """Limits of one account in one region; a test lowers them to be refused sooner."""

    clusters: int = 40
    instances: int = 40
    manual_cluster_snapshots: int = 100
    copies_in_progress: int = 5
    accounts_per_shared_snapshot: int = 20
