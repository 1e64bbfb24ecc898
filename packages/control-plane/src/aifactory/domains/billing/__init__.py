"""Billing: what is sold for how much, who pays, and the ledger that proves it."""
