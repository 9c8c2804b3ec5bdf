"""A production to restore from: what `localaws up` finds in its account.

`account.py` makes it all, `cluster.py` the cluster through the RDS API, `data.py` and the SQL files
its two databases, `passwords.py` its logins, `names.py` has the names that clients know by heart,
`usage.py` is the page that is printed at the end. Whoever adds an application uses the same pieces.

It is a client of the server: boto3, SQL, and what only Aurora itself can do, from within.
"""
