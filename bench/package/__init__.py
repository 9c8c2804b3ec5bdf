"""What the package costs.

Its size, what a function takes to start, its memory, and its own share of an invocation.

Measured on the real zip, unpacked, in interpreters of their own that know nothing but it and the
boto3 of Lambda's runtime.
"""
