"""The source's snapshots, and the copies of them.

- source: reads of the production cluster and its snapshots
- eligibility: which snapshots are the source's
- copies: the copies in a region

May import: aws, flow.
"""
