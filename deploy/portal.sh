#!/usr/bin/env bash
# Builds the portal into the API's package; nothing is done when neither its packages nor its sources changed.
# `deploy/portal.sh packages` only installs what its checks need.
set -euo pipefail
umask 022 # services read this as users of their own
export npm_config_update_notifier=false
cd "$(dirname "$0")/../portal"

built=../packages/control-plane/src/aifactory/api/portal_dist
node_major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/' || true)
if [ "${node_major:-0}" -lt 20 ] || ! command -v npm >/dev/null; then
  echo "portal: Node 20 or newer with npm is needed to build it and was not found (Debian: apt-get install nodejs npm)." >&2
  [ -e "$built/index.html" ] && { echo "portal: the one built before is used." >&2; exit 0; }
  exit 3
fi

digest() { find "$@" -name node_modules -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-32; }

locked=$(digest package.json package-lock.json)
if [ "$(cat node_modules/.locked 2>/dev/null)" != "$locked" ]; then
  started=$SECONDS
  npm ci --no-audit --no-fund --loglevel=error >&2
  echo "$locked" >node_modules/.locked
  echo "portal: packages installed in $((SECONDS - started)) s" >&2
fi
[ "${1:-}" = packages ] && exit 0

sources=$(digest package.json package-lock.json index.html tsconfig.json vite.config.ts src tools $(ls -d public 2>/dev/null || true))
if [ "$(cat "$built/.sources" 2>/dev/null)" != "$sources" ]; then
  started=$SECONDS
  npm run --silent build >&2
  echo "$sources" >"$built/.sources"
  echo "portal: built in $((SECONDS - started)) s" >&2
fi
