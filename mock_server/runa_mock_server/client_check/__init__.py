"""What a client does when the service does not do well: played, observed, judged."""
