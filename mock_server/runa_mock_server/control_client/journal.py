"""The journal of requests."""

from collections.abc import Iterator
from typing import Unpack

from runa_mock_server.control import records
from runa_mock_server.control.models import LONGEST_PAGE, JournalEntry, RequestsResult
from runa_mock_server.control_client.keywords import RequestFilters
from runa_mock_server.control_client.transport import Part


class JournalControl(Part):
    """The requests of an account, or of the whole server, oldest first."""

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(self.read().requests)

    def __len__(self) -> int:
        return self.read(limit=0).total

    def __getitem__(self, index: int) -> JournalEntry:
        """A request by its position: 0 is the oldest in the journal, -1 the latest."""
        return self.read(limit=LONGEST_PAGE).requests[index]

    def read(self, **filters: Unpack[RequestFilters]) -> RequestsResult:
        """The requests that match all filters, oldest first, with counts."""
        return self._call(records.list_requests, query=filters)
