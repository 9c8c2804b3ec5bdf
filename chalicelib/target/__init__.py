"""The target cluster: the old one that is replaced, and the new one.

- preflight, reachability, rehearsal, older_data: the checks before anything is deleted
- quotas, version_checks: those of the preflight that need an account's quotas, or the version
- attachments: what hangs on a cluster, so that it is left alone
- engine_version, extended_support: the version that the new cluster gets, and its support
- capture, carried_tags, requests, extras: what the old target is like, and how the new one is asked
  for
- notice: the announcement of a replacement
- cluster, instances, status_remedies: the new cluster's creation and its waits
- restored_cluster: that cluster when it is looked for again
- differences: the settings of a cluster compared with what is planned
- master_login: the waits until the master user can log in
- deletion: the order in which a cluster is deleted, and the calls that delete it
- wholeness: whether a cluster still lacks instances that a deletion took before it stopped
- insights_keys: those of the old instances that can still be used
- endpoint_plan, endpoints: the custom endpoints that the new cluster is to have, and their move
- readers: those that others made, such as auto scaling
- proxies: the RDS Proxies that have the target
- reboots: those that parameters need
- readiness, proof_at_name: the proofs before people get the new cluster, and at its name
- user_logins: the logins of the plan's users, as their secret has them
- successor: the cluster that is to be the target, which may have to be started
- swap: which cluster gets which name next
- restarting: the restart of a cluster that was renamed, for its certificate
- previous, previous_protection, previous_name: the replaced cluster, which is kept for a while;
  what keeps it from its deletion; and what happens when a restore needs its name
- left_over: the one that production's passwords open, which no restore would delete
- current_target: which cluster is the target now, whatever its name is
- pointers, pointing: what names the target, and how it comes to name the new one
- by_hand: the commands with which people finish a rollback, or delete a cluster
- patience: waiting inside an invocation, while the name is nobody's

May import: aws, database, flow, messages, observability, ports, records, snapshots.
"""
