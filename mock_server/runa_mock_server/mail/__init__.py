"""E-mails that orders cause: the outbox, who gets mail, how it reads."""
