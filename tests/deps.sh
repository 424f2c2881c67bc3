#!/bin/sh
# deps.sh PACKAGE...: install those of Debian's packages that are missing, in
# one announced call.  Says nothing and touches nothing when all are there.
# Most of what they are for needs root anyway: without it, say so and stop.
set -eu

missing=
for p in "$@"; do
	case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
	*' installed') ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "this needs root, to install:$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt-get update -qq >"$log" 2>&1 || true
# shellcheck disable=SC2086
if ! apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo 'the packages could not be installed' >&2
	exit 1
fi
