"""The only SQL of iam, one module per group of tables."""
