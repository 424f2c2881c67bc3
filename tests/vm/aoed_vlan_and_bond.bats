#!/usr/bin/env bats
# Disks are served on a bond, and on a VLAN device on top of it, under a kernel
# that has both; also to a bond that gets its port only later, and over a change
# of the active port.

load ../e2e/helpers
load ../e2e/aoenet
load vm

setup() {
	setup_tmp
	vm_build
	aoe_net 0
	VM_FILES=$T/files
	mkdir -p "$VM_FILES/lib"
	cp "$BIN/aoed" "$BIN/aoectl" "$TOOLS/aoeinit" "$VM_FILES"
	ldd "$BIN/aoed" "$BIN/aoectl" "$TOOLS/aoeinit" |
	    grep -o '/[^ :]*' | grep -v ':$' | sort -u |
	    while read -r file; do
		[ -x "$VM_FILES/${file##*/}" ] || cp -L "$file" "$VM_FILES/lib"
	done
	cat >"$VM_FILES/table" <<-'TABLE'
	0.0 /tmp/one FF:FF:FF:FF:FF:FF bond0   one
	0.1 /tmp/two FF:FF:FF:FF:FF:FF bond0.5 two
	TABLE
}

teardown() {
	run_cleanup
}

@test "bonds and VLAN devices are served on as they come and change" {
	# The client is another network namespace of the guest.
	cat >"$T/script" <<-'SCRIPT'
	modprobe veth
	modprobe bridge
	modprobe bonding max_bonds=0
	modprobe 8021q
	mkdir -p /run /state /etc /lib64 /var/empty
	cp /files/lib/ld-linux* /lib64/ 2>/dev/null || true
	export LD_LIBRARY_PATH=/files/lib PATH="$PATH:/files"
	printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' \
	    >/etc/passwd
	printf 'root:x:0:\nnogroup:x:65534:\n' >/etc/group
	dd if=/dev/zero of=/tmp/one bs=1M count=2 2>/dev/null
	dd if=/dev/zero of=/tmp/two bs=1M count=2 2>/dev/null
	dd if=/dev/urandom of=/tmp/data bs=64k count=4 2>/dev/null
	aoed -d -f /files/table -s /run/aoed.sock -S /state &
	state() {
		aoectl --json status "$1" | grep '"state"' | cut -d'"' -f4
	}
	is() {
		[ "$(state "$1")" = "$2" ]
	}
	wait_until 20 is one waiting
	echo "no bond: $(state one) $(state two)"
	ip link add bond0 type bond
	echo active-backup >/sys/class/net/bond0/bonding/mode
	echo 50 >/sys/class/net/bond0/bonding/miimon
	ip link set bond0 up
	sleep 1
	echo "no port: $(state one) $(state two)"
	# Two ports of the bond, whose other ends are a bridge's.
	ip link add br0 type bridge
	ip link set br0 up
	for n in 0 1 2; do
		# busybox cannot name the other end: it is veth0.
		ip link add p$n type veth
		ip link set veth0 name q$n
		ip link set q$n master br0
		ip link set q$n up
	done
	echo +p0 >/sys/class/net/bond0/bonding/slaves
	echo +p1 >/sys/class/net/bond0/bonding/slaves
	unshare -n sleep 1000 &
	client=$!
	apart() {
		[ "$(readlink "/proc/$client/ns/net")" != \
		    "$(readlink /proc/self/ns/net)" ]
	}
	wait_until 10 apart
	ip link set p2 netns "$client"
	cl() {
		nsenter -n -t "$client" "$@"
	}
	cl ip link set p2 up
	wait_until 20 is one serving
	cl aoeinit -i p2 write 0.0 0 </tmp/data
	cl aoeinit -i p2 read 0.0 0 512 >/tmp/back
	cmp /tmp/data /tmp/back && echo 'bond: good'
	ip link add link bond0 name bond0.5 type vlan id 5
	ip link set bond0.5 up
	wait_until 20 is two serving
	cl ip link add link p2 name p2.5 type vlan id 5
	cl ip link set p2.5 up
	cl aoeinit -i p2.5 write 0.1 0 </tmp/data
	cl aoeinit -i p2.5 read 0.1 0 512 >/tmp/back
	cmp /tmp/data /tmp/back && echo 'vlan: good'
	cl aoeinit -i p2 -t 1 identify 0.1 || echo 'vlan: apart'
	cl aoeinit -i p2.5 -t 1 identify 0.0 || echo 'bond: apart'
	ip link set p0 down
	sleep 1
	wait_until 10 cl aoeinit -i p2 -t 1 read 0.0 0 512
	cl aoeinit -i p2 read 0.0 0 512 >/tmp/back
	cmp /tmp/data /tmp/back && echo 'other port: good'
	ip link set p1 down
	wait_until 10 is one waiting
	ip link set p0 up
	wait_until 20 is one serving
	cl aoeinit -i p2 read 0.0 0 512 >/tmp/back
	cmp /tmp/data /tmp/back && echo 'back: good'
	ip link del bond0.5
	wait_until 10 is two waiting
	is one serving && echo 'vlan gone: good'
	SCRIPT
	vm_run 02:00:00:00:00:f1 "$T/script" "$T/out" || vm_failed "$T/out"
	cat "$T/out"
	for line in 'no bond: waiting waiting' 'no port: waiting waiting' \
	    'bond: good' 'vlan: good' 'vlan: apart' 'bond: apart' \
	    'other port: good' 'back: good' 'vlan gone: good'; do
		grep -qxF "$line" "$T/out"
	done
}
