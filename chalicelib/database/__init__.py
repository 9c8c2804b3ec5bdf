"""How to speak to a restored PostgreSQL; `chalicelib.database.restored` is the way in.

Imports `flow`.
"""
