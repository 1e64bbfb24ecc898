"""Makes new rooms, routes, flows and adapters that look like their neighbours: `make new-route`, `new-flow`, …

Whatever is made works at once: it passes `make check` and its own tests. The templates lie in docs/how-to/templates.
"""
