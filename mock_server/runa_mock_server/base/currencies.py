"""The currencies of the service (provider's page "Currencies")."""

from enum import StrEnum


class Currency(StrEnum):
    """Every currency that can pay for an order."""

    AED = "AED"
    ARS = "ARS"
    AUD = "AUD"
    BRL = "BRL"
    CAD = "CAD"
    CHF = "CHF"
    CLP = "CLP"
    CNY = "CNY"
    COP = "COP"
    CZK = "CZK"
    DKK = "DKK"
    EUR = "EUR"
    GBP = "GBP"
    HUF = "HUF"
    ILS = "ILS"
    INR = "INR"
    JPY = "JPY"
    KRW = "KRW"
    MXN = "MXN"
    MYR = "MYR"
    NOK = "NOK"
    NZD = "NZD"
    PEN = "PEN"
    PLN = "PLN"
    RON = "RON"
    SAR = "SAR"
    SEK = "SEK"
    SGD = "SGD"
    USD = "USD"
    ZAR = "ZAR"


FROM_USD_ONLY = frozenset(
    {
        Currency.AED,
        Currency.ARS,
        Currency.BRL,
        Currency.CLP,
        Currency.COP,
        Currency.INR,
        Currency.MYR,
        Currency.PEN,
        Currency.SAR,
    }
)
"""Products of these currencies can only be paid in their own currency or in USD."""
