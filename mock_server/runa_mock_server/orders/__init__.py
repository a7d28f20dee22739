"""Orders: pricing, business rules, life cycle, payouts, redemption, idempotency, balances."""
