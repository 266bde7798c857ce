"""Bytes ↔ values, without I/O of its own.

`language` is how an officer writes a scheme, `package` reads and hashes such a file, `compiling` turns it into the
value of `rules/package.py`; `roster` reads the lists that villages and schools hand in.
"""
