#!/bin/bash
# Installs a model server with a small model into an environment of its own, .model-server, so that the default house serves
# real tokens. Again it changes nothing; AIF_MODEL_SERVER=none leaves it out. It is an extra: where it cannot be fetched the
# house starts without it.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${AIF_MODEL_SERVER:-}" != none ] || exit 0
UV=$( [ -x .tools/bin/uv ] && echo .tools/bin/uv || echo uv )
LOCK=requirements/model-server.lock
STAMP=$(sha256sum "$LOCK" | cut -c1-64)
AIM=.model-server
if [ -f "$AIM/.installed" ] && [ "$(cat "$AIM/.installed")" = "$STAMP" ]; then exit 0; fi
umask 022
if [ -z "${UV_DEFAULT_INDEX:-}" ]; then
  index=${PIP_INDEX_URL:-$(/usr/bin/python3 -m pip config get global.index-url 2>/dev/null || true)}
  [ -z "$index" ] || export UV_DEFAULT_INDEX=$index
fi
[ -n "${SSL_CERT_FILE:-}" ] || [ ! -r /etc/ssl/certs/ca-certificates.crt ] || export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
rm -rf "$AIM"
# Without dependencies: the lock names all that is needed. A copy, which services of other users can read.
if "$UV" venv -q --python .venv/bin/python "$AIM" \
  && "$UV" pip sync -q --require-hashes --compile-bytecode --link-mode copy --python "$AIM/bin/python" "$LOCK"; then
  echo "$STAMP" > "$AIM/.installed"
  echo "models: a model server with SmolLM2 135M installed in $AIM"
else
  rm -rf "$AIM"
  echo "models: the model server cannot be fetched; the platform starts without it (again: make models)" >&2
fi
