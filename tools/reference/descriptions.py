"""The description of every setting, in the groups of the page."""

from collections.abc import Mapping

from chalicelib.flow.quiesce_kinds import KINDS

STAGE: Mapping[str, str] = {
    "environment": "The stage: part of the event source, of SSM paths and of the ownership tag. "
    "Chalice sets it.",
    "state_table_name": "The DynamoDB table of operations and target items.",
    "audit_table_name": "The DynamoDB table of the audit trail.",
    "log_level": "The level of the app's own logger. It does not apply to botocore, whose DEBUG "
    "messages contain secrets.",
    "sns_topic_arn": "The topic for requests that are refused before a plan is resolved. Required "
    "here even if plans get it from SSM.",
    "heartbeat_interval": "Seconds between two runs of the heartbeat: the rate of its schedule.",
    "catch_up_interval": "Seconds between two checks of the plans for snapshots whose event was "
    "lost.",
    "catch_up_grace": "Seconds after which the event of a snapshot is considered lost.",
}

PLAN: Mapping[str, Mapping[str, str]] = {
    "What is restored": {
        "source_region": "The region of the source cluster.",
        "source_cluster_id": "The source cluster. It is never changed.",
        "snapshot_prefix": (
            "A manual snapshot starts a restore automatically only if its name begins with this "
            "prefix. If not set, no manual snapshot does."
        ),
        "snapshot_age_max_hours": (
            "Automatic restores skip snapshots older than this. You can request an older snapshot; "
            "the notification then states the age of the data."
        ),
    },
    "The cluster that is replaced": {
        "target_region": "The region of the target cluster.",
        "target_cluster_id": "The cluster that is replaced every night. It cannot be the source.",
        "kms_key_id": (
            "The KMS key (ID, ARN or alias in the target region) that encrypts the copy and the "
            "new cluster. Required to copy an encrypted snapshot to another region."
        ),
        "db_subnet_group_name": "The DB subnet group of the new cluster, which determines its VPC.",
        "vpc_security_group_ids": "The security groups of the new cluster, in that VPC.",
        "port": "The port of the new cluster.",
        "deletion_protection": (
            "Whether the new cluster has deletion protection. The next operation disables it on a "
            "cluster with the stage's tag."
        ),
        "db_cluster_parameter_group_name": (
            "The DB cluster parameter group, for the snapshot's major version. If not set: "
            "Aurora's default, not the source's."
        ),
        "db_parameter_group_name": "The DB parameter group of the instances. If not set: "
        "Aurora's default.",
        "log_exports": "The logs that the new cluster exports to CloudWatch Logs.",
        "backup_retention_days": "The backup retention period of the new cluster, in days.",
        "skip_final_snapshot": "`false` creates a final snapshot of the old target before it is "
        "deleted.",
    },
    "Its instances": {
        "instance_class": "The class of all instances. `db.serverless` requires both capacities.",
        "instance_count": "The number of instances. The first is the writer. Their names are the "
        "same for every restore.",
        "serverless_min_capacity": "The minimum capacity in ACUs. Only for `db.serverless`.",
        "serverless_max_capacity": "The maximum capacity in ACUs, not below the minimum. Only for "
        "`db.serverless`.",
    },
    "Database access": {
        "master_credentials_secret_id": (
            "The secret with `database`, `username` and `password` of the master user. The user "
            "name must be that of the snapshot."
        ),
        "app_credentials_secret_id": (
            "The secret with `app_username`, `app_password`, `readonly_username` and "
            "`readonly_password`."
        ),
        "db_connection_timeout": "The timeout of a connection to PostgreSQL, in seconds.",
        "db_tls": "`verify-full` verifies the server's certificate against Amazon's root "
        "certificates. `off` is for environments without TLS, such as localaws.",
        "keep_login_roles": "Login roles of production that stay enabled on the copy. The audit "
        "trail lists them.",
        "trust_definer_functions": "SECURITY DEFINER functions that only read, as "
        "`<schema>.<name>`. The read-only user may call no other SECURITY DEFINER functions.",
        "quiesce": (
            "What is stopped on the copy: `all`, `none`, or the kinds to leave unchanged, each "
            "with a minus sign, such as `-event-triggers,-partman`. The kinds: "
            f"{', '.join(f'`{kind}`' for kind in KINDS)}."
        ),
    },
    "After the restore": {
        "archive_snapshot": "`true` keeps the copy, tagged as archived; `false` deletes it.",
        "sns_topic_arn": "The SNS topic for notifications about outcomes.",
        "audit_retention_days": "Days after which DynamoDB may delete an item of the audit trail.",
    },
    "Polling": {
        "copy_check_interval": (
            "The shortest interval between two checks of a copy, or of a snapshot that is not "
            "available yet, in seconds. The interval is longer while much time remains, "
            "estimated from the progress and from earlier restores."
        ),
        "restore_check_interval": (
            "The shortest interval between two checks of clusters and instances, in seconds. The "
            "interval is longer while much time remains, estimated from earlier restores. RDS "
            "events trigger a check at once."
        ),
        "max_copy_attempts": "If set, this number times `COPY_CHECK_INTERVAL` replaces "
        "`COPY_DEADLINE`.",
        "max_restore_attempts": (
            "If set, this number times `RESTORE_CHECK_INTERVAL` replaces both `RESTORE_DEADLINE` "
            "and `INSTANCE_DEADLINE`."
        ),
    },
    "Deadlines": {
        "step_deadline": "Seconds for a state that does not wait for Aurora.",
        "snapshot_deadline": "Seconds for the snapshot to become available.",
        "copy_queue_deadline": (
            "Seconds that a copy may be queued. Aurora runs five copies at once in a region; "
            "time in its queue does not count towards `COPY_DEADLINE` until this deadline has "
            "passed."
        ),
        "copy_deadline": "Seconds for the copy, including retries.",
        "network_deadline": (
            "Seconds for `setup-db-users` to reach everything it needs from its VPC. If it does "
            "not, the operation fails and the old target is kept."
        ),
        "delete_deadline": "Seconds for the checks, and the same again for the deletion.",
        "restore_deadline": "Seconds for the cluster to be restored.",
        "instance_deadline": "Seconds for the instances to be created.",
        "users_deadline": "Seconds for setting the master password, disabling production's logins "
        "and creating the users.",
        "archive_deadline": "Seconds for archiving the copy. After that, the copy is left "
        "unchanged "
        "with a warning.",
        "notification_deadline": "Seconds for sending the notification. After that, the operation "
        "ends, marked as not notified.",
    },
}
