"""What stands in the log of the service: nothing that a model's steps would not let pass."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiaas.bundle import Bundle

LOGGERS = ("aiaas.serve", "uvicorn.error")


class Protecting(logging.Filter):
    """Takes out of every record, its trace included, what the steps of any of the models take out of texts: the error
    of a library may quote what it was given."""

    def __init__(self, bundles: Callable[[], Iterable[Bundle]]) -> None:
        super().__init__()
        self._bundles = bundles
        self._formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        texts = [record.getMessage()]
        if record.exc_info:
            texts.append(self._formatter.formatException(record.exc_info))
        for bundle in self._bundles():
            texts = bundle.protect(texts)
        record.msg, record.args = texts[0], None
        if record.exc_info:
            record.exc_info, record.exc_text = None, texts[1]
        return True


@contextmanager
def protected(bundles: Callable[[], Iterable[Bundle]]) -> Iterator[None]:
    """Let nothing into the log, while this lasts, that the steps of the bundles take out which answer at the time."""
    filters = Protecting(bundles)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(filters)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(filters)
