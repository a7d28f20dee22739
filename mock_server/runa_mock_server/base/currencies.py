"""The currencies of the service."""

from runa_schemas.contract_data import FROM_USD_ONLY, Currency

__all__ = ["FROM_USD_ONLY", "Currency"]
