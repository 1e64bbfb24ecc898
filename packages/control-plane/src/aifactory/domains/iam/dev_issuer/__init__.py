"""The development identity provider: it believes whoever names an address, so it runs on loopback only.

It is a real OpenID provider (code flow with PKCE) that the API talks to over real HTTP, so that development and
production take the same way.
"""

from aifactory.domains.iam.dev_issuer.loopback import refuse_unless_loopback
from aifactory.domains.iam.dev_issuer.router import development_issuer

__all__ = ["development_issuer", "refuse_unless_loopback"]
