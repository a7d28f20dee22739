"""How a check can end other than well, and what makes checking impossible."""


class TargetError(Exception):
    """The server cannot be checked at all; the message is one line for the person who asked."""


class SelectionError(TargetError):
    """What was selected is not there; the message names it."""


class UnreachableError(Exception):
    """No answer came; the message says why, without the API key."""


class MismatchError(Exception):
    """An answer is not what the rule says; the message tells both."""


class SkippedError(Exception):
    """The check has no sense here; the message is the reason."""
