# shellcheck shell=sh
# guest.sh: what a script in the virtual machine finds defined.  It runs with
# set -e.

# wait_until SECONDS COMMAND...
wait_until() {
	left=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		if [ "$left" = 0 ]; then
			echo "waited in vain for: $*"
			return 1
		fi
		sleep 0.1
	done
}

# disk_size DISK: in sectors; e0.0 is the name of a disk.
disk_size() {
	cat "/sys/class/block/etherd!$1/size"
}

# disk_ready DISK: until it was identified, the driver shows it with no size.
disk_ready() {
	[ -b "/dev/etherd/$1" ] && [ "$(disk_size "$1")" -gt 0 ]
}

# aoe_up DISK: load the driver and wait until it has found the disk.
aoe_up() {
	modprobe aoe
	wait_until 20 disk_ready "$1"
}

# forget: what is read next comes from the target, not from memory.
forget() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}
