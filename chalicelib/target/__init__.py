"""The target cluster: the old one that is replaced, and the new one.

- preflight, reachability, older_data: the checks before anything is deleted
- cluster, instances, statuses: the old cluster's deletion, the new one's creation and its waits
- baseline: the settings of a cluster compared with the plan
- master_login: the waits until the master user can log in

May import: aws, database, flow, messages, observability, ports, snapshots.
"""
