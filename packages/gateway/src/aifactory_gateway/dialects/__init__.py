"""The languages in which callers ask. Inside, everything is OpenAI's."""
