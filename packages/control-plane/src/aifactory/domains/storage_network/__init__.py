"""Volumes, later networks. The only door is `facade`."""
