"""The process through which browsers reach web apps. What it does lies in the domain app_platform."""
