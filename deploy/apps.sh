#!/bin/bash
# Installs what the shipped apps need on this node, where every sandbox sees it read-only: DIR/<app>, by default
# /opt/aifactory/apps (AIF_APPS_DIR). Again it changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
DIR=${AIF_APPS_DIR:-/opt/aifactory/apps}
UV=$( [ -x .tools/bin/uv ] && echo .tools/bin/uv || echo uv )
LOCK=requirements/apps.lock
STAMP=$(sha256sum "$LOCK" | cut -c1-64)
AIM=$DIR/jupyterlab
if [ -f "$AIM/.installed" ] && [ "$(cat "$AIM/.installed")" = "$STAMP" ]; then
  echo "apps: jupyterlab is there, in $AIM"
  exit 0
fi
umask 022
mkdir -p "$DIR"
# The system's own Python: sandboxes have /usr, and nobody's home.
"$UV" venv -q --clear --python /usr/bin/python3 "$AIM"
"$UV" pip sync -q --require-hashes --compile-bytecode --link-mode copy --python "$AIM/bin/python" "$LOCK"
echo "$STAMP" > "$AIM/.installed"
echo "apps: jupyterlab installed in $AIM"
