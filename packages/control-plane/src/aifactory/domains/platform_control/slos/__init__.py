"""Promises and how they are kept: counted in the API and from the histories, reported as error budgets."""
