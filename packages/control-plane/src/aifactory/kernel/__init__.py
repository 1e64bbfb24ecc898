"""What every domain stands on: transactions, audit, outbox, flows, clock, ids, errors. No business nouns live here."""
