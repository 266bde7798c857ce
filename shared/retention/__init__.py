"""What is kept how long: days per kind by setting, nothing set is kept for ever. A job erases what is older, in chunks,
and leaves an audit line with counts and no persons.

kinds    what can be erased, and those kinds that every service has
erasing  the job, and the rules as they stand
api      the route that shows them

Audit lines, events and whatever carries money are no kind: they hold ids and no names, and their chains would break.
"""
