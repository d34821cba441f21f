"""Tells endpoints of others what happens: the messages of the outbox, signed and sent by the scheme of Standard Webhooks."""
