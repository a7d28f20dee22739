"""What every other room may use: clock, errors, money, strict JSON, paging, redaction."""
