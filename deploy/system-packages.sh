#!/usr/bin/env bash
# Fetches programs that no wheel brings, from the system's packages, when that is allowed here.
#   deploy/system-packages.sh up     bubblewrap, nftables, iproute2; never fails, says one line when sandboxes will be weaker
#   deploy/system-packages.sh test   the same with Chromium and ssh; fails with what to install
set -uo pipefail

purpose=$1
missing=()
PATH=$PATH:/usr/sbin:/sbin
command -v bwrap >/dev/null || missing+=(bubblewrap)
command -v nft >/dev/null || missing+=(nftables)
command -v ip >/dev/null || missing+=(iproute2)
if [ "$purpose" = test ]; then
  command -v chromium >/dev/null || missing+=(chromium)
  command -v ssh-keygen >/dev/null || missing+=(openssh-client)
fi
[ ${#missing[@]} = 0 ] && exit 0

install() { apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null 2>&1; }
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  echo "system: installing ${missing[*]}" >&2
  install || { apt-get update -qq >/dev/null 2>&1 && install; } && exit 0
fi
if [ "$purpose" = up ]; then
  echo "system: ${missing[*]} cannot be installed here: without bubblewrap sandboxes are plain processes, without nftables and iproute2 they have no networks (apt-get install ${missing[*]})" >&2
  exit 0
fi
echo "The tests need ${missing[*]}, which cannot be installed from here. As root: apt-get install ${missing[*]}" >&2
exit 3
