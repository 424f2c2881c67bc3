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

# bare_needs [-b | -w] NAME PACKAGE...: what bare_start is to be called with then.
# Skips the test where there is no such system to be had.
bare_needs() {
	local why
	case $1 in
	-*) shift ;;
	esac
	need unshare nsenter flock
	[ ! -e /.bare ] || skip 'this is such a system already'
	why=$("$TOP/tests/bare.sh" "$BARE_CACHE/$1" "${@:2}" 2>&1) ||
	    skip "$why"
}

# bare_start [-b | -w] NAME PACKAGE...: a system in which `bare` runs commands,
# with these packages at hand; -b: its systemd is booted (the packages
# systemd-sysv and dbus are put in before); -w: one that is whole, as no overlay
# is, with the machine's devices and network.
bare_start() {
	local base kind='' pids=()
	case $1 in
	-*) kind=$1 && shift ;;
	esac
	base=$BARE_CACHE/$1
	BARE_NET=bare$$
	ip netns add "$BARE_NET"
	on_exit ip netns del "$BARE_NET"
	mkdir -p "$T/data" "$T/root"
	local in=(ip netns exec "$BARE_NET")
	[ "$kind" != -w ] || in=()
	# systemd-nspawn makes a pid namespace itself.
	[ "$kind" = -b ] || pids=(--pid --fork --kill-child)
	"${in[@]}" unshare --mount --propagation private --uts --ipc \
	    "${pids[@]}" bash -c "$BARE_NAMESPACE" bare "$base" \
	    "$T/root" "$T/data" "$kind" "$BARE_NET" </dev/null >"$T/bare.log" 2>&1 3>&- &
	BARE_OUTER=$!
	if [ "$kind" = -b ]; then
		on_exit bare_cgroup_end
	else
		on_exit kill_namespace "$BARE_OUTER"
	fi
	if ! wait_until 60 grep -q ready "$T/bare.log"; then
		cat "$T/bare.log" >&2
		return 1
	fi
	if [ "$kind" = -b ]; then
		wait_until 60 bare_is_booted
	fi
	BARE_PID=$(pgrep -o -P "$BARE_OUTER")
	export BARE_PID BARE_NET BARE_OUTER
}

# End all of a booted machine by its control group, and remove that.
# shellcheck disable=SC2016
bare_cgroup_end() {
	timeout 30 unshare --mount --propagation private sh -c '
	mount -t cgroup2 cgroup2 /mnt
	echo 1 >"/mnt/$0/cgroup.kill"
	until find "/mnt/$0" -depth -type d -exec rmdir {} +; do
		sleep 0.1
	done' "$BARE_NET"
}

# nspawn's child is the first process of the machine.
bare_is_booted() {
	BARE_PID=$(pgrep -o -P "$BARE_OUTER") &&
	    [[ $(bare 'systemctl is-system-running') =~ running|degraded ]]
}

# What is run inside of the namespaces: the machine's files, a /dev of its own,
# a /data that is a real file system, then nothing but the first process.
# shellcheck disable=SC2016
BARE_NAMESPACE='
set -eu
m=$2/m
if [ "$4" = -w ]; then
	cp -a "$1" "$m"
	mount --bind "$m" "$m"
else
	mount -t tmpfs -o mode=755 bare "$2"
	mkdir "$2/upper" "$2/work" "$m"
	mount -t overlay \
	    -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" bare "$m"
fi
: >"$m/.bare"
ip link set lo up
printf "127.0.0.1 localhost backup.example.net\n127.0.1.1 apollo\n" \
    >"$m/etc/hosts"
echo apollo >"$m/etc/hostname"
mkdir -p "$m/data"
if [ "$4" = -b ]; then
	chroot "$m" apt-get -q -y --no-install-recommends \
	    -o Dpkg::Options::=--force-unsafe-io install systemd-sysv dbus
	# Not all machines have it there, and "ip netns exec" none.
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mkdir "/sys/fs/cgroup/$5"
	echo $$ >"/sys/fs/cgroup/$5/cgroup.procs"
	echo ready
	exec systemd-nspawn -q -D "$m" -b -M apollo --hostname=apollo \
	    --register=no --keep-unit --capability=all --resolv-conf=off \
	    --link-journal=no --bind="$3:/data"
fi
mount -t proc proc "$m/proc"
mount -t sysfs sys "$m/sys"
mount -t tmpfs -o mode=755 run "$m/run"
mount --bind "$3" "$m/data"
if [ "$4" = -w ]; then
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
hostname apollo
cd "$m"
mkdir -p mnt
pivot_root . mnt
umount -l /mnt
cd /
echo ready
# A first process that waits for whatever has lost its parent.
while sleep 3600; do :; done
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
