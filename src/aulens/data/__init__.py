"""Data sets: adapters that turn folders into samples, and the torch data set that reads them.

Nothing is imported here: ``aulens.data.samples`` and ``aulens.data.renders`` need no torch,
``aulens.data.dataset`` does.
"""
