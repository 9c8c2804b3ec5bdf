"""AWS as values, and the only code that calls botocore.

- client, error_remedies: calls of a service, with its errors sorted into those of `flow`
- rds, kms, secrets: what these services describe
- pointer_places: the secret, parameters and record that say where a target is

May import: flow.
"""
