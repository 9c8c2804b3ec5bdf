"""The description of every setting, in the groups of the page."""

from collections.abc import Mapping

from chalicelib.flow.quiesce_kinds import KINDS

LIKE_OLD = "If not set: as the old target's; without an old target"

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
        "db_subnet_group_name": "The DB subnet group of the new cluster, which determines its VPC. "
        f"{LIKE_OLD}, a value is required.",
        "engine_version": (
            "The engine version of the new cluster: the snapshot's, or a later one of its major "
            "version. If not set: the snapshot's, or, where that can no longer be created, the "
            "lowest one that it can be upgraded to, with a warning."
        ),
        "engine_lifecycle_support": (
            "Whether the new cluster is enrolled in RDS Extended Support, for which AWS charges "
            "after the end of its major version's standard support. Without it, such a version is "
            "refused, because Aurora would upgrade the new cluster to another one."
        ),
        "keep_associated_roles": (
            "Whether the new cluster gets the IAM roles of the old target, such as for S3 and "
            "Lambda. `false` lists them in the notification instead. A change needs a deployment, "
            "which lets `restore-snapshot` pass roles to RDS."
        ),
        "vpc_security_group_ids": "The security groups of the new cluster, in that VPC. "
        f"{LIKE_OLD}, a value is required.",
        "port": f"The port of the new cluster. {LIKE_OLD}, 5432.",
        "deletion_protection": (
            "Whether the new cluster has deletion protection. The next operation disables it on a "
            f"cluster with the stage's tag. {LIKE_OLD}, `false`."
        ),
        "db_cluster_parameter_group_name": (
            "The DB cluster parameter group, for the snapshot's major version. "
            f"{LIKE_OLD} or where it had Aurora's own, Aurora's default, not the source's."
        ),
        "db_parameter_group_name": "The DB parameter group of the instances. "
        f"{LIKE_OLD} or where they had Aurora's own, Aurora's default.",
        "log_exports": "The logs that the new cluster exports to CloudWatch Logs. "
        f"{LIKE_OLD}, `postgresql`.",
        "backup_retention_days": "The backup retention period of the new cluster, in days. "
        f"{LIKE_OLD}, 1.",
        "monitoring_role_arn": (
            "The IAM role with which instances send enhanced monitoring, at the intervals of the "
            "old target's. If not set: no enhanced monitoring. Another role needs a deployment, "
            "which allows the functions to pass it."
        ),
        "extra_tags": (
            "Tags of everything that is made (copies, clusters, instances, final snapshots), as "
            "`key=value,key=value`, beside our own. A new key needs a deployment, which allows it."
        ),
        "skip_final_snapshot": "`false` creates a final snapshot of the old target before it is "
        "deleted.",
    },
    "How it is replaced": {
        "replacement": (
            "`swap` restores a second cluster and then exchanges the two; `pointer` restores a "
            "second cluster and has a secret, SSM parameters and a DNS record name it; "
            "`delete-first` deletes the old target before the restore. See "
            "[replacement.md](replacement.md). `pointer` needs a deployment."
        ),
        "target_dns_name": (
            "With `pointer`: the name of a CNAME record that leads to the target, such as "
            "`staging.db.example.com`. No other plan may have it."
        ),
        "target_dns_zone_id": "The Route 53 hosted zone of `TARGET_DNS_NAME`, such as "
        "`Z0123456789ABCDEFGHIJ`.",
        "keep_previous_hours": (
            "Hours for which the old target is kept after its replacement, so that you can go "
            "back. "
            "`0` deletes it at once."
        ),
        "stop_previous": (
            "Whether it is stopped meanwhile, to save the cost of its instances. Aurora starts a "
            "stopped cluster after seven days."
        ),
        "adopt_readers": (
            "Whether readers that others added to the target, such as auto scaling, are deleted "
            "together with it. With `false`, they are never deleted, and so neither is their "
            "cluster. A change needs a deployment. See "
            "[replacement.md](replacement.md#readers-that-others-made)."
        ),
        "restart_after_rename": (
            "Whether the new cluster is stopped and started if its certificate does not have the "
            "target's name after a swap. `false` ends with a warning instead."
        ),
        "notice_minutes": (
            "Minutes by which the replacement is announced in advance, by the event "
            "`RestoreAnnounced` and a notification. `0` announces nothing. They are a part of "
            "`DELETE_DEADLINE`."
        ),
    },
    "When it is replaced": {
        "paused": (
            "`true` skips every snapshot until it is `false` again. Requests are still processed."
        ),
        "refresh_days": "The days on which a snapshot is restored automatically, such as "
        "`mon,tue,wed`, in UTC.",
        "refresh_window": (
            "The time of day in which a snapshot is restored automatically, such as `22:00-05:00`, "
            "in UTC. If not set: at any time."
        ),
    },
    "Its instances": {
        "instance_class": "The class of all instances. If not set: each has that of the old "
        "target's instance; without an old target, a value is required.",
        "instance_count": "The number of instances. The first is the writer. With "
        "`REPLACEMENT=delete-first` their names are the same for every restore. If not set: as "
        "many as the old target had with the stage's tag; without an old target, 1.",
        "serverless_min_capacity": "The minimum capacity in ACUs. Only for `db.serverless`, which "
        f"needs both. {LIKE_OLD}, a value is required.",
        "serverless_max_capacity": "The maximum capacity in ACUs, not below the minimum. Only for "
        "`db.serverless`. "
        f"{LIKE_OLD}, a value is required.",
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
        "db_ca_file": "A file with the root certificates of servers that are not Amazon's, where "
        "the functions run. localaws has one.",
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
        "delete_deadline": "Seconds for the checks, the same again for the deletion, and for the "
        "wait until an older previous target is deleted.",
        "restore_deadline": "Seconds for the cluster to be restored.",
        "instance_deadline": "Seconds for the instances to be created.",
        "swap_deadline": (
            "Seconds for the renames, the login at the target's name and a restart, each; and the "
            "same again for the way back. After that, the old target gets its name back."
        ),
        "users_deadline": "Seconds for setting the master password, disabling production's logins "
        "and creating the users.",
        "archive_deadline": "Seconds for archiving the copy. After that, the copy is left "
        "unchanged "
        "with a warning.",
        "notification_deadline": "Seconds for sending the notification. After that, the operation "
        "ends, marked as not notified.",
    },
}
