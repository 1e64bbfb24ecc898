"""One module a page. Each is a route whose answer looks like the screen."""
