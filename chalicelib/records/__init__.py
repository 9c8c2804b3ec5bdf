"""The records in DynamoDB.

- store: conditional writes of items in the two tables
- operations: the reads and writes of operation records, one method each
- targets: the permanent item of a target cluster, with its lock
- newest_data: the newest data that a target ever had
- audit: the rows of the audit trail

May import: aws, flow.
"""
