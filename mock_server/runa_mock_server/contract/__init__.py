"""The provider's rules without state: request models, headers, triggers, environments, rates."""
