"""What runs inside a worker process: one teacher, one pool, one batch of arms, one final fit.

Everything is passed by reference. A *scope* is a folder with the rows one training part may
see (a fold, all development rows, or all rows) and what was fitted on them.
"""
