"""Long-running work: one module per flow, named by its verb."""
