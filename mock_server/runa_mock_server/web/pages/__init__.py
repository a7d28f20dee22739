"""The recipient's page of a payout link."""
