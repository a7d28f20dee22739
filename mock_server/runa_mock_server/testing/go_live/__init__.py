"""The go-live report: the provider's rules for production, judged by recorded traffic.

``read`` gives traffic, ``evaluate`` judges it, ``FORMATS`` render the report.
"""
