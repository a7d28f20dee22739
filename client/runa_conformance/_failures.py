"""How a check can end other than well, and what makes checking impossible."""


class TargetError(Exception):
    """The server cannot be checked at all; the message is one line for the person who asked."""


class SelectionError(TargetError):
    """What was selected is not there; the message names it."""


class UnreachableError(Exception):
    """No answer came; the message says why, without the API key."""


class MismatchError(Exception):
    """An answer is not what the rule says; the message tells both.

    Args:
        message: what was found, and what was expected.
        cause: under which failures of several checks are reported together; by default the message.
    """

    def __init__(self, message: str, cause: str | None = None) -> None:
        super().__init__(message)
        self.cause = message if cause is None else cause


class SkippedError(Exception):
    """The check has no sense here; the message is the reason."""


class UnexpectedOrderError(Exception):
    """The check would order, but the server accepts what it should refuse; nothing was sent."""
