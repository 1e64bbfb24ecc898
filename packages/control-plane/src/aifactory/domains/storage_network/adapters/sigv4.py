"""AWS Signature Version 4: how every request to an S3-compatible store proves who sends it.

Written to the published specification; the tests hold it against botocore.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


def signed_headers(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    access_key_id: str,
    secret: str,
    at: datetime,
    service: str,
    region: str = "us-east-1",
) -> dict[str, str]:
    """`headers` with host, date, body digest and signature. `url` is as it will be sent, its query already encoded."""
    parts = urlsplit(url)
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    sent = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    sent |= {"host": parts.netloc, "x-amz-date": stamp, "x-amz-content-sha256": digest}
    names = ";".join(sorted(sent))
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/~%"),
            "&".join(sorted(parts.query.split("&"))) if parts.query else "",
            *(f"{name}:{sent[name]}" for name in sorted(sent)),
            "",
            names,
            digest,
        ]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return sent | {"authorization": f"{_ALGORITHM} {credential}"}
