"""Results to files, the same for command line, page, Python and cluster.

A plan names all that is made, an executor does its jobs, writers write; each result has a receipt of what was
made, of what and with what.
"""

import lazy_loader

# A picture needs none of what a video's report does, such as pandas.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
