"""Keys of personal data are changed while the service runs: what was written under an earlier key is brought under the
current one, row by row, and nothing stands still meanwhile.

columns  which columns are sealed, for what, and which hashes stand beside them
store    every SQL statement
walking  the job: every column of every pool is gone through in chunks, its place kept in `key_walk`
api      the route that says which keys are in use, the invariant and the alarm

A process whose newest key is only announced rests: else two processes of a rolling restart would each seal under
their own. A walk that found something goes again soon, one that found nothing again in a day, because a process with
the settings of before may have written behind it.
"""
