"""What the agent does with Linux itself: processes, mounts, control groups, user ids. Nothing here knows tasks."""
