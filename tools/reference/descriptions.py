"""What every setting means: one entry of whole sentences for each, in groups as the page shows them."""

from collections.abc import Mapping

from chalicelib.flow.quiesce_kinds import KINDS

STAGE: Mapping[str, str] = {
    "environment": "The stage: part of the event source, of SSM paths and of the ownership tag. "
    "Chalice sets it.",
    "state_table_name": "The DynamoDB table of operations and target items.",
    "audit_table_name": "The DynamoDB table of the audit trail.",
    "log_level": "How much our own logger says. It never reaches botocore, whose DEBUG lines print "
    "secrets.",
    "sns_topic_arn": "Where refusals go that come before there is a plan. Needed here even when "
    "SSM gives it to plans.",
    "heartbeat_interval": "Seconds between two ticks of the heartbeat: the rate of its schedule.",
    "catch_up_interval": "Seconds between two looks at the plans, for snapshots whose event never "
    "came.",
    "catch_up_grace": "Seconds that a snapshot's event may be late before it counts as lost.",
}

PLAN: Mapping[str, Mapping[str, str]] = {
    "What is restored": {
        "source_region": "The region of the source cluster.",
        "source_cluster_id": "The source cluster. It is only ever read.",
        "snapshot_prefix": (
            "A manual snapshot starts a restore by itself only if its name begins with this. Not "
            "set: none does."
        ),
        "snapshot_age_max_hours": (
            "What started by itself skips a snapshot older than this many hours. A person may ask "
            "for an older one, and the notice then says how old the data is."
        ),
    },
    "The cluster that is replaced": {
        "target_region": "The region of the target cluster.",
        "target_cluster_id": "The cluster that is replaced every night. It cannot be the source.",
        "kms_key_id": (
            "The key (id, ARN or alias in the target's region) that copies and the new cluster are "
            "encrypted with. Needed when an encrypted snapshot has to cross regions."
        ),
        "db_subnet_group_name": "The subnet group of the new cluster: it decides the VPC.",
        "vpc_security_group_ids": "The security groups of the new cluster, in that VPC.",
        "port": "The port of the new cluster.",
        "deletion_protection": (
            "Whether the new cluster is protected. The next operation lifts the protection of a "
            "cluster that is ours."
        ),
        "db_cluster_parameter_group_name": (
            "The cluster parameter group, of the snapshot's major version. Not set: Aurora's "
            "default, not the source's."
        ),
        "db_parameter_group_name": "The parameter group of the instances. Not set: Aurora's "
        "default.",
        "log_exports": "The logs that the new cluster sends to CloudWatch.",
        "backup_retention_days": "Days that Aurora keeps its own backups of the new cluster.",
        "skip_final_snapshot": "`false` takes a final snapshot of the old target before it is "
        "deleted.",
    },
    "Its instances": {
        "instance_class": "The class of every instance. `db.serverless` needs the two capacities.",
        "instance_count": "How many instances there are. The first is the writer; the names are "
        "the same every night.",
        "serverless_min_capacity": "The least capacity, in ACU. Only with `db.serverless`.",
        "serverless_max_capacity": "The most capacity, in ACU, not below the least. Only with "
        "`db.serverless`.",
    },
    "Who gets in": {
        "master_credentials_secret_id": (
            "The secret with `database`, `username` and `password` of the master user. The name is "
            "the snapshot's own."
        ),
        "app_credentials_secret_id": (
            "The secret with `app_username`, `app_password`, `readonly_username` and "
            "`readonly_password`."
        ),
        "db_connection_timeout": "Seconds that one connection to PostgreSQL may take.",
        "db_tls": "`verify-full` proves the server by Amazon's roots. `off` is for a world without "
        "TLS, like localaws.",
        "keep_login_roles": "Login roles of production that stay open on the copy. The trail names "
        "them.",
        "trust_definer_functions": "Functions that run as their owner and only read, as "
        "`<schema>.<name>`: the read-only user keeps them. All others "
        "are taken from it.",
        "quiesce": (
            "What is stopped on the copy: `all`, `none`, or the kinds to leave as they are, each "
            "after a minus, such as `-event-triggers,-partman`. The kinds: "
            f"{', '.join(f'`{kind}`' for kind in KINDS)}."
        ),
    },
    "Afterwards": {
        "archive_snapshot": "`true` keeps the copy, tagged as archived; `false` deletes it.",
        "sns_topic_arn": "Where people are told how an operation ended.",
        "audit_retention_days": "Days after which DynamoDB may delete a row of the audit trail.",
    },
    "Pace": {
        "copy_check_interval": (
            "The shortest spacing of looks at a copy, and at a snapshot that is still being made, "
            "in seconds. By progress, and by how long it took before, looks are rarer far from the "
            "end."
        ),
        "restore_check_interval": (
            "The shortest spacing of looks at clusters and instances, in seconds. By how long they "
            "took before, looks are rarer far from the end; RDS's events wake besides."
        ),
        "max_copy_attempts": "When set, this times `COPY_CHECK_INTERVAL` replaces `COPY_DEADLINE`.",
        "max_restore_attempts": (
            "When set, this times `RESTORE_CHECK_INTERVAL` replaces `RESTORE_DEADLINE` and "
            "`INSTANCE_DEADLINE`, each."
        ),
    },
    "Deadlines": {
        "step_deadline": "Seconds for a state that waits for nothing of Aurora's.",
        "snapshot_deadline": "Seconds for the snapshot to become available.",
        "copy_queue_deadline": (
            "Seconds that a copy may wait for its turn: five run at once for a region, and "
            "Aurora's own queue does not spend the copy's deadline before this is over."
        ),
        "copy_deadline": "Seconds for the copy, first attempt and repetitions together.",
        "network_deadline": (
            "Seconds for `setup-db-users` to reach, from its VPC, all that it needs. When they are "
            "over, the operation fails and the old target stays."
        ),
        "delete_deadline": "Seconds for the checks, and again for the deletion.",
        "restore_deadline": "Seconds for the cluster.",
        "instance_deadline": "Seconds for the instances.",
        "users_deadline": "Seconds for the master password, the lock-out and the users.",
        "archive_deadline": "Seconds for archiving the copy. When they are over, it is left as it "
        "is, with a warning.",
        "notification_deadline": "Seconds for telling people. When it is over the end stands, "
        "marked as not notified.",
    },
}
