"""Who read and changed what about whom, answered to an inspector from the chain of audit lines; the same in every
service, each for its own lines.

schemas  the wire and its problems
store    every SQL statement
reading  what the routes do; the inspector's own question leaves a line as well
api      the routes
"""
