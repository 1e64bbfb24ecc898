"""How a receiver knows that a message is ours: the Standard Webhooks scheme (standardwebhooks.com), version v1."""

import base64
import hashlib
import hmac

PREFIX = "whsec_"
SECRET_BYTES = 32


def as_text(secret: bytes) -> str:
    """What the tenant puts into its receiver."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(message_id: str, timestamp: int, body: bytes, secret: bytes) -> dict[str, str]:
    """webhook-id stays the same however often the message is sent; the timestamp (seconds since the epoch) is of this try."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{signature}"}
