"""What people added to a target: a reader, a custom endpoint, parameters that wait for a reboot."""

from contextlib import suppress

from botocore.exceptions import ClientError

from simulation import actions
from simulation.seed import ENGINE
from simulation.simulation import Simulation
from simulation.stage import STAGE

GROUP, TARGET = "tuned-postgres16", "staging-cluster"
SETTINGS = {"ADOPT_READERS": "true", "DB_CLUSTER_PARAMETER_GROUP_NAME": GROUP}


def target_with_additions(simulation: Simulation) -> None:
    """Let our target have a reader that auto scaling made, and a custom endpoint."""
    actions.our_target(simulation)
    rds = simulation.stage.rds()
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=GROUP,
        DBParameterGroupFamily="aurora-postgresql16",
        Description="tuned",
    )
    rds.create_db_instance(
        DBInstanceIdentifier="application-autoscaling-1",
        DBInstanceClass="db.r6g.large",
        Engine=ENGINE,
        DBClusterIdentifier=TARGET,
    )
    rds.create_db_cluster_endpoint(
        DBClusterEndpointIdentifier="analytics",
        DBClusterIdentifier=TARGET,
        EndpointType="READER",
        StaticMembers=["staging-cluster-2"],
        Tags=[{"Key": "aurora-restore", "Value": f"{STAGE}/default"}],
    )
    simulation.stage.settle()


def need_reboots(simulation: Simulation, _operation_id: str) -> None:
    """Somebody changes a parameter of the new cluster that takes effect with a reboot."""
    change = {
        "ParameterName": "max_connections",
        "ParameterValue": "500",
        "ApplyMethod": "pending-reboot",
    }
    with suppress(ClientError):  # among other faults the operation may be elsewhere
        simulation.stage.rds().modify_db_cluster_parameter_group(
            DBClusterParameterGroupName=GROUP, Parameters=[change]
        )
