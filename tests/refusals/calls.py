"""Every call that the functions make on an eventful night, sorted by what it means when it is
denied.
"""

from chalicelib.flow.choreography import STEPS
from tests.refusals.denied_calls import DeniedCall

PREFLIGHT = (
    ("rds", "describe_db_subnet_groups"),
    ("ec2", "describe_security_groups"),
    ("kms", "describe_key"),
    ("rds", "describe_db_cluster_parameter_groups"),
    ("rds", "describe_db_parameter_groups"),
    ("rds", "describe_db_engine_versions"),
    ("rds", "describe_db_major_engine_versions"),
    ("rds", "describe_orderable_db_instance_options"),
    ("secretsmanager", "get_secret_value"),
    ("sns", "get_topic_attributes"),
    ("rds", "describe_account_attributes"),
    ("rds", "describe_integrations"),
    ("rds", "describe_blue_green_deployments"),
)
FATAL = (
    DeniedCall("snapshot-check", "rds", "describe_db_clusters"),
    DeniedCall("copy-snapshot", "kms", "describe_key"),
    DeniedCall("copy-snapshot", "rds", "describe_db_cluster_snapshots"),
    DeniedCall("copy-snapshot", "rds", "copy_db_cluster_snapshot"),
    DeniedCall("check-copy-status", "rds", "describe_db_cluster_snapshots"),
    DeniedCall("check-copy-status", "rds", "delete_db_cluster_snapshot"),
    DeniedCall("delete-rds", "rds", "describe_db_cluster_snapshots"),
    DeniedCall("delete-rds", "rds", "describe_db_clusters"),
    DeniedCall("delete-rds", "rds", "describe_db_instances"),
    DeniedCall("delete-rds", "rds", "describe_db_cluster_endpoints"),
    *(DeniedCall("delete-rds", service, method) for service, method in PREFLIGHT),
    DeniedCall("delete-rds", "rds", "start_db_cluster"),
    DeniedCall("delete-rds", "rds", "modify_db_cluster"),
    DeniedCall("delete-rds", "rds", "delete_db_instance"),
    DeniedCall("delete-rds", "rds", "delete_db_cluster"),
    DeniedCall("restore-snapshot", "rds", "restore_db_cluster_from_snapshot"),
    DeniedCall("restore-snapshot", "rds", "describe_db_clusters"),
    DeniedCall("restore-snapshot", "rds", "create_db_instance"),
    DeniedCall("restore-snapshot", "rds", "describe_db_instances"),
    DeniedCall("check-restore-status", "rds", "describe_db_clusters"),
    DeniedCall("check-restore-status", "rds", "describe_db_instances"),
    DeniedCall("setup-db-users", "secretsmanager", "get_secret_value"),
    DeniedCall("setup-db-users", "rds", "describe_db_clusters"),
    DeniedCall("setup-db-users", "rds", "modify_db_cluster"),
    DeniedCall("setup-db-users", "rds", "create_db_instance"),
    DeniedCall("swap-target", "rds", "describe_db_clusters"),
    DeniedCall("swap-target", "rds", "describe_db_instances"),
    DeniedCall(
        "archive-snapshot", "rds", "describe_db_clusters"
    ),  # success is not said of what cannot be seen
    DeniedCall("archive-snapshot", "rds", "describe_db_instances"),
)
WARNED_OF = (
    DeniedCall("archive-snapshot", "rds", "describe_db_cluster_snapshots"),
    DeniedCall("archive-snapshot", "rds", "add_tags_to_resource"),
)
LEFT_OUT = (DeniedCall("delete-rds", "rds", "describe_db_proxies"),)  # of the notification
AT_THE_DOOR = (  # the function fails and is retried, and the heartbeat finds the snapshot later
    DeniedCall("snapshot-check", "ssm", "get_parameters_by_path"),
    DeniedCall("snapshot-check", "rds", "describe_db_cluster_snapshots"),
)
MADE_UP_FOR = (  # by the heartbeat, which announces again, or by the next night
    *(DeniedCall(step, "events", "put_events") for step in STEPS),
    DeniedCall("heartbeat", "ssm", "get_parameters_by_path"),
    DeniedCall("heartbeat", "rds", "describe_db_cluster_snapshots"),
)
WITHOUT_WHICH_NOTHING_MOVES = DeniedCall("heartbeat", "events", "put_events")
TELLING = DeniedCall("sns-notification", "sns", "publish")
EVERY_CALL = frozenset(
    {
        *FATAL,
        *WARNED_OF,
        *LEFT_OUT,
        *AT_THE_DOOR,
        *MADE_UP_FOR,
        WITHOUT_WHICH_NOTHING_MOVES,
        TELLING,
    }
)
