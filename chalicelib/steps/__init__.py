"""One module for each Lambda. A step reads, ensures, and returns what came of it.

No step knows the next one.
"""
