"""What reaches outside of this process, behind the protocols of `ports`."""
