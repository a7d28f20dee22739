"""How ``runa-mock serve`` writes its log: text for people, or one JSON object a line.

A log that nobody reads stops no request: lines wait in a queue for a thread that writes them, and
those for which the queue has no room are counted and dropped.
"""

import io
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from logging.handlers import QueueHandler, QueueListener
from typing import Literal, TextIO

import orjson

from runa_mock_server.base.clock import timestamp

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

MOST_WAITING = 10_000
"""How many lines wait for their reader."""
FIELDS = "fields"
"""The attribute of a log record that holds what a JSON line has beside its message."""

_FLUSH_SECONDS = 1.0  # how long the end of the process waits for the reader of the log


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname.lower()} {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # What a client sent may hold bytes that are no UTF-8; JSON cannot carry those as they are.
        message = record.getMessage().encode(errors="backslashreplace").decode()
        entry = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "message": message,
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry).decode()


def _time(record: logging.LogRecord) -> str:
    return timestamp(round(record.created * 1_000_000))


class LogQueue(QueueHandler):
    """Takes log records without ever waiting, for a thread that writes them.

    Args:
        write: writes a line; it may wait, or raise ``OSError`` once nobody can read any more.
        formatter: makes lines of records.
        most: how many records wait at most.
    """

    def __init__(
        self, write: Callable[[str], None], formatter: logging.Formatter, most: int = MOST_WAITING
    ) -> None:
        self._records: queue.Queue[logging.LogRecord | threading.Event] = queue.Queue(most)
        super().__init__(self._records)
        self._dropped = 0
        self._counting = threading.Lock()
        self._writer = _Writer(self._records, write, formatter, self._take_dropped)
        self._writer.start()

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Leave a record as it is: the thread that writes it is in the same process."""
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Have a record written later; drop and count it if too many wait already."""
        try:
            self._records.put_nowait(record)
        except queue.Full:
            with self._counting:
                self._dropped += 1

    def _take_dropped(self) -> int:
        with self._counting:
            dropped, self._dropped = self._dropped, 0
        return dropped

    def flush(self) -> None:
        """Wait a second, at most, until all that waits is written."""
        written = threading.Event()
        try:
            self._records.put(written, timeout=_FLUSH_SECONDS)
        except queue.Full:
            return
        written.wait(_FLUSH_SECONDS)


class _Writer(QueueListener):
    """The thread that writes what is in the queue."""

    def __init__(
        self,
        records: "queue.Queue[logging.LogRecord | threading.Event]",
        write: Callable[[str], None],
        formatter: logging.Formatter,
        take_dropped: Callable[[], int],
    ) -> None:
        super().__init__(records)
        self._write, self._format, self._take_dropped = write, formatter.format, take_dropped
        self._is_closed = False

    def handle(self, record: logging.LogRecord | threading.Event) -> None:
        """Write one record, and before it how many were dropped."""
        if isinstance(record, threading.Event):
            self._say_dropped()
            record.set()
            return
        self._say_dropped()
        self._put(record)

    def _say_dropped(self) -> None:
        dropped = self._take_dropped()
        if dropped:
            text = "%d lines of this log were dropped: nobody read it in time"
            name, level = __name__, logging.WARNING
            said = logging.LogRecord(name, level, __file__, 0, text, (dropped,), None)
            setattr(said, FIELDS, {"dropped": dropped})
            self._put(said)

    def _put(self, record: logging.LogRecord) -> None:
        if self._is_closed:
            return
        try:
            self._write(self._format(record) + "\n")
        except OSError:  # whoever read the log has closed its pipe, and wants no more of it
            self._is_closed = True


def configure(level: Level, form: Format) -> None:
    """Send the log of this process to standard output, if it has one.

    Args:
        level: what is less important is left out.
        form: how a line looks.
    """
    logging.raiseExceptions = False  # whoever closes the log's pipe wants no more of it
    handler: logging.Handler = logging.NullHandler()
    if sys.stdout is not None:
        handler = LogQueue(_writer_to(sys.stdout), _Json() if form == "json" else _Text())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _writer_to(stream: TextIO) -> Callable[[str], None]:
    """What writes to a stream; it may wait for the reader of the stream.

    A thread that waits holds no lock of the stream, or the process could not end.
    """
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:  # a stream in memory

        def write(line: str) -> None:
            stream.write(line)
            stream.flush()

        return write

    def write_bytes(line: str) -> None:
        data = line.encode(errors="backslashreplace")
        while data:
            data = data[os.write(descriptor, data) :]

    return write_bytes
