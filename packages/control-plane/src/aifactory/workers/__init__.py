"""The worker process: the domains' flows, consumers, schedules, and the outbox relay. Any number of it may run."""
