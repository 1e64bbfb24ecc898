"""The only SQL of platform control. Every upper-case name in these modules is one statement (a test prepares each)."""
