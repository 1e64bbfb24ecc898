"""AI Factory control plane: kernel, domains, API and workers."""
