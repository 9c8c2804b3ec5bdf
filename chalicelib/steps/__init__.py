"""One module for each step, which is the Lambda function of its name.

- snapshot_check, copy_snapshot, check_copy_status: from the snapshot to its copy
- delete_rds, restore_snapshot, check_restore_status: from the old target to the new cluster
- setup_db_users, swap_target: the users, and the target's name
- archive_snapshot, sns_notification: the copy, and the end

A step observes, causes its effects, and returns an outcome; no step knows the next one.

May import: aws, database, flow, messages, observability, ports, records, snapshots, target.
"""
