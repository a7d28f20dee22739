"""The rule of webhook handlers, judged by how the handler answered deliveries."""

from runa_mock_server.testing.go_live.rule import Judgement, Theme
from runa_mock_server.testing.go_live.traffic import Traffic

WEBHOOKS = Theme("Webhooks")

_TO_REFUSE = frozenset({"wrong_signature", "old_secret", "reserialised", "delay"})


@WEBHOOKS.rule(
    "webhooks-verified",
    "The webhook handler takes signed deliveries only, and refuses what is forged or old.",
    "Subscribe the handler and deliver to it, once as it should be and once with the webhook "
    "fault wrong_signature; or run check-webhooks --traffic FILE.",
)
def webhooks_verified(traffic: Traffic) -> Judgement:
    """The handler accepted a delivery that it had to refuse."""
    found = Judgement()
    accepted, refused = [], []
    for delivery in traffic.deliveries:
        wrong = _TO_REFUSE.intersection(delivery.record["faults"])
        if wrong and delivery.is_accepted:
            found.violate(f"the handler accepted {' and '.join(sorted(wrong))}", delivery)
        elif wrong and delivery.record["status"] is not None:
            refused.append(delivery)
        elif delivery.is_accepted:
            accepted.append(delivery)
    if accepted and refused:
        found.proof += [accepted[0], *refused]
    return found
