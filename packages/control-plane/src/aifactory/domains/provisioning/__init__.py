"""Nodes, slots, placement, allocations and the agents' protocol. The only door is `facade`."""
