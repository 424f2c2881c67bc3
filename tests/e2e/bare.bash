# shellcheck shell=bash
# bare.bash: a bare Debian, as a stranger has it, in namespaces of its own.
# Loaded after helpers.bash.
#
# The base is made once (tests/bare.sh) and kept in $BARE_CACHE; each test works
# in an overlay over it, in memory, of which nothing stays.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

: "${BARE_CACHE:=/var/cache/backshelf-tests}"
TOP=$(cd "$HELPERS_DIR/../.." && pwd)

# bare_start [-w] NAME PACKAGE...: a system in which `bare` runs commands, with
# these packages at hand; -w: one that is whole, as no overlay is, with the
# machine's devices.  Skips the test where there is none to be had.
bare_start() {
	local why base whole=
	[ "$1" != -w ] || { whole=1; shift; }
	base=$BARE_CACHE/$1
	shift
	need unshare nsenter flock
	[ ! -e /.bare ] || skip 'this is such a system already'
	if ! why=$("$TOP/tests/bare.sh" "$base" "$@" 2>&1); then
		skip "$why"
	fi
	BARE_NET=bare$$
	ip netns add "$BARE_NET"
	on_exit ip netns del "$BARE_NET"
	mkdir -p "$T/data" "$T/root"
	# One that is whole also has the network, to install from.
	local in=(ip netns exec "$BARE_NET")
	[ -z "$whole" ] || in=()
	"${in[@]}" unshare --mount --propagation private --pid --fork \
	    --kill-child --uts --ipc bash -c "$BARE_NAMESPACE" bare "$base" \
	    "$T/root" "$T/data" "$whole" </dev/null >"$T/bare.log" 2>&1 3>&- &
	BARE_OUTER=$!
	on_exit kill_namespace "$BARE_OUTER"
	if ! wait_until 60 grep -q ready "$T/bare.log"; then
		cat "$T/bare.log" >&2
		return 1
	fi
	BARE_PID=$(pgrep -P "$BARE_OUTER")
	export BARE_PID BARE_NET BARE_OUTER
}

# What is run inside of the namespaces: the machine's files, a /dev of its own,
# a /data that is a real file system, then nothing but the first process.
# shellcheck disable=SC2016
BARE_NAMESPACE='
set -eu
m=$2/m
if [ -n "$4" ]; then
	cp -a "$1" "$m"
	mount --bind "$m" "$m"
else
	mount -t tmpfs -o mode=755 bare "$2"
	mkdir "$2/upper" "$2/work" "$m"
	mount -t overlay \
	    -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" bare "$m"
fi
: >"$m/.bare"
mount -t proc proc "$m/proc"
mount -t sysfs sys "$m/sys"
mount -t tmpfs -o mode=755 run "$m/run"
mkdir -p "$m/data"
mount --bind "$3" "$m/data"
if [ -n "$4" ]; then
	mount --rbind /dev "$m/dev"
else
	mount -t tmpfs -o mode=755 dev "$m/dev"
	for f in null zero full random urandom tty; do
		: >"$m/dev/$f"
		mount --bind "/dev/$f" "$m/dev/$f"
	done
	mkdir -m 1777 "$m/dev/shm"
	mkdir "$m/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=666 pts "$m/dev/pts"
	ln -s pts/ptmx "$m/dev/ptmx"
	ln -s /proc/self/fd "$m/dev/fd"
fi
ip link set lo up
hostname apollo
printf "127.0.0.1 localhost backup.example.net\n127.0.1.1 apollo\n" \
    >"$m/etc/hosts"
cd "$m"
mkdir -p mnt
pivot_root . mnt
umount -l /mnt
cd /
echo ready
exec sleep infinity
'

# bare COMMAND: have root of that machine run it, by bash.
bare() {
	nsenter --target "$BARE_PID" --mount --pid --net --uts --ipc --root \
	    --wd=/proc/"$BARE_PID"/root/root -- env -i LANG=C.UTF-8 \
	    HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	    DEBIAN_FRONTEND=noninteractive bash -euc "$1" 3>&-
}

# readme_block HEADING [N]: the Nth block of commands below that heading.
readme_block() {
	awk -v heading="$1" -v n="${2:-1}" '
	/^#/ { here = $0 ~ "^#+ " heading "$" }
	/^```$/ { inside = 0 }
	here && inside && count == n { print }
	here && /^```sh$/ { inside = 1; count++ }' "$TOP/README.md"
}
