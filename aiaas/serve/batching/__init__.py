"""Requests that meet in one batch: who waits, who is next, what is computed together, and what of it failed.

`Batcher` is all that the rest of the service uses: `ask` waits for the answers to the rows of one request.
"""

from aiaas.serve.batching.batcher import Batcher
from aiaas.serve.batching.jobs import Batch, Size, Spent, TooLateError
from aiaas.serve.batching.queue import FullError

__all__ = ["Batch", "Batcher", "FullError", "Size", "Spent", "TooLateError"]
