"""The target cluster: what is replaced, and what is made in its place.

Imports `database`, `aws` and `flow`.
"""
