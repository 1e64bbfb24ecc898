"""The whole platform on one machine: what stands behind `aif up`, `aif down` and `aif status`."""
