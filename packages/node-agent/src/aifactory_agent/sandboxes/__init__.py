"""The ways to keep a tenant's processes apart, behind one port."""
