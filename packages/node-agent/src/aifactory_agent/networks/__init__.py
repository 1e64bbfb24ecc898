"""Networks of sandboxes: one router per agent, one leg per sandbox, and nothing passes that no rule allows."""
