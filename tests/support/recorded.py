"""An order that the real service answered with, as it was recorded."""

from typing import Any

LINK = "https://spend.playground.runa.io/4c77f610-fda9-4b7f-a06e-0c6feb10f604"
RECORDED_ITEM: dict[str, Any] = {
    "id": "E-01J6Y3JRYWRKYDTEHDDM9P2KV0",
    "distribution_method": {
        "type": "PAYOUT_LINK",
        "template_id": "DT-01HPSF51G0ZWHJ3JTNWRH0WDYK",
    },
    "products": {"type": "SINGLE", "value": "1800FL-US"},
    "face_value": "10.00",
    "price": "10.00",
    "discount_multiplier": "0.0",
    "redemption_url": LINK,
    "payout": {
        "status": "ACTIVE",
        "status_updated_at": "2024-09-04T08:49:24.420733+00:00",
        "url": LINK,
        "expiry_date": None,
    },
    "currency": "USD",
}
RECORDED_ORDER: dict[str, Any] = {  # from before metadata was added
    "id": "O-01J6Y3JRYWCTNDRHP35302NZ30",
    "status": "COMPLETED",
    "created_at": "2024-09-04T08:49:23.420733+00:00",
    "completed_at": "2024-09-04T08:49:24.420733+00:00",
    "description": None,
    "payment_method": {"type": "ACCOUNT_BALANCE"},
    "currency": "USD",
    "total_discount": "0.00",
    "total_price": "10.00",
    "items": [RECORDED_ITEM],
    "transaction_detail": {"USD": {"value": "10.00", "fx": None}},
}
