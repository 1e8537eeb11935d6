"""A page in the browser to edit photos: drop a photo, choose a model, paint a mask, compare, save at full quality.

`server.py` answers the requests of `page.html`. `minicnn page` starts it.
"""

from minicnn.page.server import PageServer

__all__ = ["PageServer"]
