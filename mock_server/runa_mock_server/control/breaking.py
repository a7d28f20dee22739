"""Operations on faults: arming, listing, removing."""

from runa_mock_server.base.errors import quoted
from runa_mock_server.base.redaction import Redactor
from runa_mock_server.control.models import Done, FaultResult, FaultsResult
from runa_mock_server.control.problems import not_found
from runa_mock_server.control.scope import Scope
from runa_mock_server.server_state.account import account_name
from runa_mock_server.server_state.fault_spec import FaultSpec
from runa_mock_server.server_state.faults import Fault


def arm_fault(scope: Scope, body: FaultSpec) -> FaultResult:
    """Have something go wrong from now on, for an account or for everybody."""
    return fault_result(scope, scope.server_state.faults.arm(body, scope.api_key, scope.clock))


def list_faults(scope: Scope) -> FaultsResult:
    """List the faults, also those that cannot strike any more."""
    return FaultsResult(faults=[fault_result(scope, fault) for fault in _faults(scope)])


def read_fault(scope: Scope, fault_id: str) -> FaultResult:
    """Read one fault: whether it can still strike, and how often it did."""
    return fault_result(scope, _fault(scope, fault_id))


def remove_fault(scope: Scope, fault_id: str) -> FaultResult:
    """Remove one fault; what hangs because of it goes on."""
    fault = _fault(scope, fault_id)
    scope.server_state.faults.remove([fault])
    return fault_result(scope, fault)


def remove_faults(scope: Scope) -> Done:
    """Remove the faults of an account, or all; what hangs because of them goes on."""
    faults = _faults(scope)
    scope.server_state.faults.remove(faults)
    return Done(done=f"{len(faults)} removed")


def _faults(scope: Scope) -> list[Fault]:
    faults = list(scope.server_state.faults)
    if scope.api_key is None:
        return faults
    return [fault for fault in faults if fault.account == scope.api_key]


def _fault(scope: Scope, fault_id: str) -> Fault:
    for fault in _faults(scope):
        if fault.id == fault_id:
            return fault
    raise not_found("path", "fault_id", f"there is no fault {quoted(fault_id)}")


def fault_result(scope: Scope, fault: Fault) -> FaultResult:
    """A fault as it is shown: without API keys in its path."""
    spec, redactor = fault.spec, Redactor(fault.account or "", scope.server_state.known_keys)
    if spec.path is not None:
        spec = spec.model_copy(update={"path": redactor.text(spec.path)})
    return FaultResult(
        id=fault.id,
        account=None if fault.account is None else account_name(fault.account),
        armed=fault.is_armed,
        matched=fault.matched,
        struck=fault.struck,
        spec=spec,
    )
