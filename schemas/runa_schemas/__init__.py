"""The contract of the payouts API as data: JSON Schemas, the error catalogue, an OpenAPI document.

Limits, statuses, currencies and other constants are in ``runa_schemas.contract_data``.

The schemas are draft 2020-12, one file per thing, in the folder ``json`` of this package; they need
no Python. This module loads them, checks values against them with exact paths, and builds the
OpenAPI 3.1 document from them. Importing it does not import jsonschema; the first check does.
"""

from runa_schemas._errors import ERRORS, ErrorType
from runa_schemas._openapi import openapi
from runa_schemas._store import UnknownSchemaError, load, names
from runa_schemas._validation import ContractError, SchemaIssue, iter_errors, validate

__all__ = [
    "ERRORS",
    "ContractError",
    "ErrorType",
    "SchemaIssue",
    "UnknownSchemaError",
    "iter_errors",
    "load",
    "names",
    "openapi",
    "validate",
]
