"""The only SQL of billing. Every upper-case name in these modules is one statement (a test prepares each)."""
