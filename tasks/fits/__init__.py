"""Functions that run inside a worker process: one teacher, one pool, one batch of arms, one final fit.

A *teacher* is an ensemble that labels synthetic rows; a *pool* the synthetic rows that one
synthesizer drew; an *arm* one recipe for training rows with one model and its settings. A *scope*
is a folder with the rows that one fit may see (those of a fold, all development rows, or all rows)
and the results of fits on them: functions pass its path, not the rows.
"""
