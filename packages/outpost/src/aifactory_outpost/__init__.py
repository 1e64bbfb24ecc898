"""What every process of ours outside the control plane shares: an identity, calls home, files that survive a crash."""
