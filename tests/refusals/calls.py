"""Every call that the functions make on an eventful night, sorted by what it means when it is
denied.
"""

from chalicelib.flow.choreography import STEPS
from tests.refusals.denied_calls import Call

PREFLIGHT = (
    ("rds", "describe_db_subnet_groups"),
    ("ec2", "describe_security_groups"),
    ("kms", "describe_key"),
    ("rds", "describe_db_cluster_parameter_groups"),
    ("rds", "describe_db_parameter_groups"),
    ("rds", "describe_db_engine_versions"),
    ("rds", "describe_orderable_db_instance_options"),
    ("secretsmanager", "get_secret_value"),
    ("sns", "get_topic_attributes"),
    ("rds", "describe_account_attributes"),
)
FATAL = (
    Call("snapshot-check", "rds", "describe_db_clusters"),
    Call("copy-snapshot", "kms", "describe_key"),
    Call("copy-snapshot", "rds", "describe_db_cluster_snapshots"),
    Call("copy-snapshot", "rds", "copy_db_cluster_snapshot"),
    Call("check-copy-status", "rds", "describe_db_cluster_snapshots"),
    Call("check-copy-status", "rds", "delete_db_cluster_snapshot"),
    Call("delete-rds", "rds", "describe_db_cluster_snapshots"),
    Call("delete-rds", "rds", "describe_db_clusters"),
    Call("delete-rds", "rds", "describe_db_instances"),
    *(Call("delete-rds", service, method) for service, method in PREFLIGHT),
    Call("delete-rds", "rds", "start_db_cluster"),
    Call("delete-rds", "rds", "modify_db_cluster"),
    Call("delete-rds", "rds", "delete_db_instance"),
    Call("delete-rds", "rds", "delete_db_cluster"),
    Call("restore-snapshot", "rds", "restore_db_cluster_from_snapshot"),
    Call("restore-snapshot", "rds", "describe_db_clusters"),
    Call("restore-snapshot", "rds", "create_db_instance"),
    Call("restore-snapshot", "rds", "describe_db_instances"),
    Call("check-restore-status", "rds", "describe_db_clusters"),
    Call("check-restore-status", "rds", "describe_db_instances"),
    Call("setup-db-users", "secretsmanager", "get_secret_value"),
    Call("setup-db-users", "rds", "describe_db_clusters"),
    Call("setup-db-users", "rds", "modify_db_cluster"),
    Call("setup-db-users", "rds", "create_db_instance"),
    Call(
        "archive-snapshot", "rds", "describe_db_clusters"
    ),  # success is not said of what cannot be seen
    Call("archive-snapshot", "rds", "describe_db_instances"),
)
WARNED_OF = (
    Call("archive-snapshot", "rds", "describe_db_cluster_snapshots"),
    Call("archive-snapshot", "rds", "add_tags_to_resource"),
)
AT_THE_DOOR = (  # the function fails and is retried, and the heartbeat finds the snapshot later
    Call("snapshot-check", "ssm", "get_parameters_by_path"),
    Call("snapshot-check", "rds", "describe_db_cluster_snapshots"),
)
MADE_UP_FOR = (  # by the heartbeat, which announces again, or by the next night
    *(Call(step, "events", "put_events") for step in STEPS),
    Call("heartbeat", "ssm", "get_parameters_by_path"),
    Call("heartbeat", "rds", "describe_db_cluster_snapshots"),
)
WITHOUT_WHICH_NOTHING_MOVES = Call("heartbeat", "events", "put_events")
TELLING = Call("sns-notification", "sns", "publish")
EVERY_CALL = frozenset(
    {*FATAL, *WARNED_OF, *AT_THE_DOOR, *MADE_UP_FOR, WITHOUT_WHICH_NOTHING_MOVES, TELLING}
)
