"""A program that leaves all care to the project's client."""

from runa_client import RetryPolicy, RunaClient, item, single

with RunaClient(retry=RetryPolicy(rate_limit_wait=0.1)) as client:
    receipt = client.create_order([item(10, products=single("1800FL-US"))], currency="USD")
    client.wait_for_order(receipt, timeout=20, raise_on_failure=True)
