#!/usr/bin/env bash
# Builds .venv from the locks: `deploy/venv.sh runtime` or `deploy/venv.sh dev`. Does nothing when it is up to date.
# Brings uv along when the machine has none, and says what to install when it cannot.
set -euo pipefail
umask 022 # services read this as users of their own
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE PYTHONPATH VIRTUAL_ENV

wanted=${1:-runtime}
say() { printf '%s\n' "$*" >&2; }

# An interpreter below a private home cannot be read by the service users, so the system's comes first.
find_python() {
  local candidate path
  for candidate in "${AIF_PYTHON:-}" /usr/bin/python3 python3.14 python3.13 python3.12 python3.11 python3; do
    [ -n "$candidate" ] && path=$(command -v "$candidate") || continue
    if "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$path"; return; fi
  done
  say "Python 3.11 or newer is needed and was not found. On Debian or Ubuntu: apt-get install python3 python3-venv"
  exit 3
}

# Every mirror works: what pip is told about its index holds for uv too, and the machine's own certificates are trusted.
adopt_the_machines_network_settings() {
  local index=${PIP_INDEX_URL:-}
  [ -n "$index" ] || index=$("$python" -m pip config get global.index-url 2>/dev/null || true)
  [ -z "$index" ] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
  if [ -z "${SSL_CERT_FILE:-}" ] && [ -r /etc/ssl/certs/ca-certificates.crt ]; then
    export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
  fi
}

recent_enough() { "$1" --version 2>/dev/null | awk '{split($2, v, "."); exit !(v[1] > 0 || v[2] >= 9)}'; }

install_uv() {
  local lock=requirements/tools.lock
  rm -rf .tools
  if "$python" -m venv .tools >/dev/null 2>&1; then
    .tools/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
  elif "$python" -m pip --version >/dev/null 2>&1; then
    rm -rf .tools
    "$python" -m pip install -q --disable-pip-version-check --require-hashes --target .tools -r "$lock"
  else
    return 1
  fi
}

find_uv() {
  local candidate
  for candidate in .tools/bin/uv uv; do
    candidate=$(command -v "$candidate") && recent_enough "$candidate" && uv=$candidate && return
  done
  if ! install_uv; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      say "venv: this Python has neither pip nor venv; installing python3-venv"
      apt-get install -y -qq --no-install-recommends python3-venv >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; } >/dev/null 2>&1 || true
    fi
    install_uv || {
      say "Python packages cannot be installed: $python has neither venv nor pip, and there is no uv (0.9 or newer)."
      say "Install one of them: apt-get install python3-venv   or   apt-get install python3-pip   or   uv"
      exit 3
    }
  fi
  uv=$PWD/.tools/bin/uv
}

stamp=.venv/.locked
level=$wanted
[ -r "$stamp" ] && read -r installed_level _ <"$stamp" && [ "$installed_level" = dev ] && level=dev
ours=(packages/*/pyproject.toml deploy/pyproject.toml)
hash=$(cat "requirements/$level.lock" "${ours[@]}" deploy/venv.sh <(pwd) | sha256sum | cut -c1-32)
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$level $hash" ]; then exit 0; fi

started=$SECONDS
python=$(find_python)
adopt_the_machines_network_settings
find_uv
if ! [ -x .venv/bin/python ] || [ "$(cat .venv/.base 2>/dev/null)" != "$python" ]; then
  "$uv" venv -q --clear --no-python-downloads --python "$python" .venv
  echo "$python" >.venv/.base
fi
rm -f "$stamp"
export VIRTUAL_ENV=$PWD/.venv UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-120}
"$uv" pip sync -q --require-hashes --compile-bytecode "requirements/$level.lock"
editables=()
for project in "${ours[@]}"; do editables+=(-e "$(dirname "$project")"); done
"$uv" pip install -q --no-deps "${editables[@]}"
echo "$level $hash" >"$stamp"
say "venv: $level packages installed in $((SECONDS - started)) s with $("$python" --version)"
