"""How ``runa-mock serve`` writes its log: text for people, or one JSON object a line."""

import logging
import sys
from typing import Literal

import orjson

from runa_mock_server.base.clock import computer_time, timestamp

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = f"{timestamp(computer_time())} {record.levelname.lower()} {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # What a client sent may hold bytes that are no UTF-8; JSON cannot carry those as they are.
        message = record.getMessage().encode(errors="backslashreplace").decode()
        entry = {
            "time": timestamp(computer_time()),
            "level": record.levelname.lower(),
            "message": message,
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry).decode()


def configure(level: Level, form: Format) -> None:
    """Send the log of this process to standard output.

    Args:
        level: what is less important is left out.
        form: how a line looks.
    """
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # a text stream is one
    logging.raiseExceptions = False  # whoever closes the log's pipe wants no more of it
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
