"""What the node and its sandboxes use: measured here, sent in batches, never kept for long."""
