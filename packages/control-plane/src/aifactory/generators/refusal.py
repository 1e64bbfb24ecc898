"""Why nothing was made."""


class Refused(Exception):
    """The text says what is wrong and what to do. Nothing has been written when it is raised."""
