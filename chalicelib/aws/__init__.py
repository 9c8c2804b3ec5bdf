"""What AWS says, as values, and the only code that talks to botocore. Imports `flow`."""
