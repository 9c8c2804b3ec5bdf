"""AWS as values, and the only code that calls botocore.

- client: calls of a service, with its errors sorted into those of `flow`
- rds, kms, secrets: what these services describe

May import: flow.
"""
