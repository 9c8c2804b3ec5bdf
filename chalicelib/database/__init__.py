"""How to speak to a restored PostgreSQL; `chalicelib.database.restored_database` is the way in.

Imports `flow`.
"""
