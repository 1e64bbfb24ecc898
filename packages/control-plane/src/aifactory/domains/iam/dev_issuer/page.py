"""The development issuer's one page: three buttons, no script, no password."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 30rem; margin: 10vh auto; padding: 0 1rem; }
button { font: inherit; display: block; width: 100%; margin: 0.5rem 0; padding: 0.75rem; cursor: pointer; }
button small { display: block; }
.note { border-inline-start: 4px solid #b35c00; padding-inline-start: 0.75rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
}


def choose_person(people: Iterable[tuple[str, str]], hidden: Mapping[str, str]) -> str:
    """people: (email, what they are). hidden: the authorization request, sent back with the choice."""
    fields = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    buttons = "\n".join(
        f'<button type="submit" name="email" value="{escape(email)}">{escape(email)}<small>{escape(what)}</small></button>'
        for email, what in people
    )
    return _page(
        "Sign in for development",
        f'<p class="note">This is the built-in development identity provider. It asks for no password and '
        f"runs on this machine only. It is not for production.</p>\n"
        f'<form method="post" action="/dev-issuer/authorize">\n{fields}\n<p id="who">Continue as</p>\n'
        f'<div role="group" aria-labelledby="who">\n{buttons}\n</div>\n</form>',
    )


def explain(problem: str) -> str:
    return _page(
        "This sign-in cannot go on", f'<p role="alert">{escape(problem)}</p><p><a href="/">Back to the start</a></p>'
    )


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title} · AI Factory</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{content}\n</main>\n</body>\n</html>\n"
    )
