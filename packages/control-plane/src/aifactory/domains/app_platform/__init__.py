"""app_platform: the app catalogue, and app instances as a kind of workload on allocations."""
