"""How to speak to a restored PostgreSQL; `chalicelib.database.restored.restored` is the way in. Imports `flow`."""
