"""What leaves the service by itself, webhooks and mails: sent when the mock's clock says so."""
