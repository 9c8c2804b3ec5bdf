"""SQL on the PostgreSQL of a restored cluster; `restored_database.Database` is the way in.

Connecting: endpoint, root_certificates, handshake, scram, encoding, connection, errors.
Who may log in and what may be entered: names, rds_roles, logins, roles, membership, master_user,
databases.
What our users may do: objects, privileges, default_privileges, ownership, grants, verification;
time_budget is for how long in one invocation.
What came along and acts by itself: quiesce, quiesce_queries, scheduled_jobs.

May import: flow.
"""
