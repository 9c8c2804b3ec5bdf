"""How to speak to a restored PostgreSQL; `chalicelib.database` is the way in."""
