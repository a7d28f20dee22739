"""What a store of commits does, whatever keeps them: the seam for engines.

An operation hands a decision to ``commit``. The store shows it the account, applies what it
returns, all of it or nothing, and returns it. In a store that several processes share, another
process may have changed the account meanwhile: then the decision runs again, on what is there
now. So a decision is synchronous and pure, and what it returns is plain data, which can be
written down and applied again by whoever reads it.
"""

from typing import Protocol

from runa_mock_server.orders.commit import AccountView, Commit, Decision


class AccountStore(AccountView, Protocol):
    """The commits of one account, and what they have made of it."""

    def commit(self, decide: Decision) -> Commit:
        """Let a decision look at the account, and apply what it returns, all of it or nothing.

        Raises:
            Exception: whatever ``decide`` raised, or a write; nothing is changed then.
        """
