"""Fault injection."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Unpack

from runa_mock_server.control import breaking
from runa_mock_server.control.models import FaultResult
from runa_mock_server.control_client.keywords import FaultFields
from runa_mock_server.control_client.transport import Caller, Part, given
from runa_mock_server.server_state.fault_spec import Kind, Place


class ArmedFault(Part, AbstractContextManager["ArmedFault"]):
    """A fault that was armed; a ``with`` block removes it at its end.

    Attributes:
        id: the id of the fault.
    """

    def __init__(self, caller: Caller, fault_id: str) -> None:
        super().__init__(caller)
        self.id: str = fault_id

    def __exit__(self, *_: object) -> None:
        self.remove()

    def read(self) -> FaultResult:
        """The state of the fault: whether it is armed, and how many requests it hit."""
        return self._call(breaking.read_fault, fault_id=self.id)

    @property
    def struck(self) -> int:
        """The number of requests that the fault hit."""
        return self.read().struck

    def remove(self) -> None:
        """Remove the fault; requests that hang because of it continue."""
        self._call(breaking.remove_fault, fault_id=self.id)


class FaultsControl(Part):
    """The faults of an account, or of the whole server. Iterating reads all of them."""

    def __iter__(self) -> Iterator[FaultResult]:
        return iter(self._call(breaking.list_faults).faults)

    def arm(
        self, kind: Kind, place: Place | None = None, **fields: Unpack[FaultFields]
    ) -> ArmedFault:
        """Arm a fault; it hits one request unless ``times`` says otherwise.

        Args:
            kind: what goes wrong.
            place: where, relative to the commit of an order; by default the first place that
                the kind allows.
            **fields: the other fields of ``FaultSpec``.
        """
        body = {"kind": kind, **given(place=place), **fields}
        return ArmedFault(self._caller, self._call(breaking.arm_fault, body).id)

    def clear(self) -> None:
        """Remove every fault; requests that hang because of one continue."""
        self._call(breaking.remove_faults)
