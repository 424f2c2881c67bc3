# shellcheck shell=sh
# guest.sh: what a script in the virtual machine finds defined.  It runs with
# set -e.

# wait_until SECONDS COMMAND...: as outside, up to ten times as many.
wait_until() {
	left=$(($1 * 100))
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

# tools_up: the tools of vm_more_tools are to be found.
tools_up() {
	modprobe virtio_blk
	wait_until 5 test -b /dev/vda
	mkdir -p /more
	mount -t ext4 -o ro /dev/vda /more
	export PATH="$PATH:/more/bin" LD_LIBRARY_PATH=/more/lib
}

# fio_on FILE MB SECONDS: random writes of mixed sizes all over it, verified
# after each pass.
fio_on() {
	fio --name=mixed --filename="$1" --size="$2M" --time_based \
	    --runtime="$3" --rw=randwrite --direct=1 --ioengine=libaio \
	    --iodepth=16 --bssplit=512/10:4k/40:12k/10:64k/30:256k/10 \
	    --verify=crc32c --verify_fatal=1 --do_verify=1 --minimal \
	    >/tmp/fio 2>&1 || {
		cat /tmp/fio
		return 1
	}
}

# io_errors: what the kernel has said of failed requests; fails if nothing.
io_errors() {
	dmesg | grep -iE 'i/o error|aoe:.*(fail|error|down)|corrupt'
}

# lossy INTERFACE NETEM...: what goes out and what comes in is treated so.  The
# shell's own tc knows no netem.
lossy() {
	iface=$1
	shift
	modprobe sch_netem
	modprobe ifb numifbs=1
	ip link set ifb0 up
	/more/bin/tc qdisc add dev "$iface" root netem limit 10000 "$@"
	/more/bin/tc qdisc add dev "$iface" ingress
	/more/bin/tc filter add dev "$iface" parent ffff: matchall \
	    action mirred egress redirect dev ifb0
	/more/bin/tc qdisc add dev ifb0 root netem limit 10000 "$@"
}

# lossless INTERFACE: as it was; what was lost so far is in /tmp/lost.
lossless() {
	/more/bin/tc -s qdisc show >/tmp/lost
	/more/bin/tc qdisc del dev "$1" root
	/more/bin/tc qdisc del dev "$1" ingress
}

# tc_lost: print how many frames were.
tc_lost() {
	sed -n 's/.*dropped \([0-9]*\).*/\1/p' /tmp/lost |
	    awk '{ n += $1 } END { print "lost " n }'
}
