# shellcheck shell=bash
# vm.bash: Debian's kernel in a virtual machine, for its AoE initiator, which
# works only outside of network namespaces.  On top of helpers.bash and
# aoenet.bash.
#
# The kernel's package is downloaded once into build/vm and taken apart there,
# never installed.  It boots under qemu's software emulation (no KVM needed) from
# an initrd with busybox, the modules below and the tools for file systems.  Its
# interface is a tap device on the switch of aoenet.bash.
#
#	vm_build			skips the test where it cannot be had
#	vm_more_tools			fio, XFS' tools and tc as well, for tools_up
#	vm_run MAC SCRIPT OUT		boots, runs SCRIPT (a file), gives its status
#	vm_failed OUT			shows what the guest said, and fails
#
# SCRIPT is run by busybox' sh -e and finds the functions of guest.sh.  What it
# prints is in OUT, line by line while it runs.  Files of the folder $VM_FILES
# are in /files in the guest.  Two may run side by side.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

VM_DIR=${HELPERS_DIR:?}/../../build/vm
VM_MODULES='virtio_pci virtio_net virtio_blk aoe ext4 xfs crc32c_generic
	sch_netem sch_ingress ifb act_mirred cls_matchall
	veth bridge bonding 8021q'
VM_TOOLS='/usr/sbin/mkfs.ext4 /usr/sbin/e2fsck'
# On a disk of their own, read-only: with their libraries they are too large to
# be in memory.
VM_MORE_TOOLS='/usr/bin/fio /usr/sbin/mkfs.xfs /usr/sbin/xfs_repair /usr/sbin/tc'
VM_TIMEOUT=${VM_TIMEOUT:-600}
VM_DISKS=()

# vm_build: have $VM_DIR/vmlinuz and $VM_DIR/initrd ready.
vm_build() {
	need qemu-system-x86_64 busybox cpio depmod /usr/sbin/mkfs.ext4
	[ -c /dev/net/tun ] || skip '/dev/net/tun is not there'
	mkdir -p "$VM_DIR"
	vm_package || skip "the package linux-image-amd64 cannot be had"
	(
		flock 9
		key=$(vm_key)
		[ "$(cat "$VM_DIR/key" 2>/dev/null)" = "$key" ] || {
			vm_unpack && vm_initrd && echo "$key" >"$VM_DIR/key"
		}
	) 9>"$VM_DIR/lock" 3>&-
}

# The kernel's package: the newest downloaded, or apt's.
vm_package() {
	local name
	if ! compgen -G "$VM_DIR/linux-image-*.deb" >/dev/null; then
		name=$(vm_package_name) || {
			apt-get update -qq || true
			name=$(vm_package_name) || return 1
		}
		echo "downloading $name, for a virtual machine (once)"
		(
			cd "$VM_DIR" &&
			apt-get -qq -o APT::Sandbox::User=root download "$name"
		) || return 1
	fi >&2
	VM_DEB=$(compgen -G "$VM_DIR/linux-image-*.deb" | sort -V | tail -n 1)
}

# linux-image-amd64 only depends on the real one.
vm_package_name() {
	apt-cache depends linux-image-amd64 2>/dev/null |
	    awk '/Depends: linux-image-/ { print $2; found = 1; exit }
		END { exit !found }'
}

# vm_more_tools: have a disk with the tools that do not fit into the initrd.
vm_more_tools() {
	local root=$VM_DIR/more file
	# shellcheck disable=SC2086
	need $VM_MORE_TOOLS
	VM_DISKS=(-drive "if=virtio,format=raw,readonly=on,file=$VM_DIR/more.img")
	(
		flock 9
		# shellcheck disable=SC2086
		key=$(cat $VM_MORE_TOOLS "${BASH_SOURCE[0]}" | sha256sum)
		[ "$(cat "$VM_DIR/more.key" 2>/dev/null)" != "$key" ] || exit 0
		rm -rf "$root"
		mkdir -p "$root/bin" "$root/lib"
		# shellcheck disable=SC2086
		cp $VM_MORE_TOOLS "$root/bin"
		# shellcheck disable=SC2086
		ldd $VM_MORE_TOOLS | grep -o '/[^ :]*' | grep -v ':$' |
		    grep -v '/ld-linux' | sort -u | while read -r file; do
			[ -x "$root/bin/${file##*/}" ] ||
			    cp -L "$file" "$root/lib"
		done
		rm -f "$VM_DIR/more.img"
		truncate -s "$(($(du -sm "$root" | cut -f1) * 5 / 4 + 8))M" \
		    "$VM_DIR/more.img"
		mkfs.ext4 -q -O ^has_journal -d "$root" "$VM_DIR/more.img"
		rm -rf "$root"
		echo "$key" >"$VM_DIR/more.key"
	) 9>"$VM_DIR/lock" 3>&-
}

# What the initrd was made of.
vm_key() {
	{
		echo "$VM_DEB"
		cat "${BASH_SOURCE[0]}" "$HELPERS_DIR"/../vm/{init,guest.sh} \
		    /etc/mke2fs.conf "$(command -v busybox)"
		# shellcheck disable=SC2086
		sha256sum $VM_TOOLS
	} | sha256sum
}

# The kernel, and of its modules those that are needed, into $VM_DIR/root.
vm_unpack() {
	local all=$VM_DIR/all root=$VM_DIR/root version module
	rm -rf "$all" "$root"
	dpkg-deb -x "$VM_DEB" "$all"
	version=$(basename "$all"/lib/modules/*)
	cp "$all/boot/vmlinuz-$version" "$VM_DIR/vmlinuz"
	depmod -b "$all" "$version"
	for module in $VM_MODULES; do
		modprobe -S "$version" -d "$all" --show-depends "$module"
	done | awk '$1 == "insmod" { print $2 }' | sort -u |
	    while read -r module; do
		install -D -m 644 "$module" "$root/${module#"$all"/}"
	done
	cp "$all/lib/modules/$version"/modules.builtin* \
	    "$all/lib/modules/$version/modules.order" \
	    "$root/lib/modules/$version"
	depmod -b "$root" "$version"
	rm -rf "$all"
}

# Everything else, and all of it as an initrd.
vm_initrd() {
	local root=$VM_DIR/root file
	mkdir -p "$root"/{bin,sbin,dev,etc,proc,sys,mnt,tmp}
	cp "$(command -v busybox)" "$root/bin/busybox"
	ln -s ../bin/busybox "$root/sbin/modprobe" # for the kernel
	install -m 755 "$HELPERS_DIR/../vm/init" "$root/init"
	install -m 644 "$HELPERS_DIR/../vm/guest.sh" "$root/guest.sh"
	install -m 644 /etc/mke2fs.conf "$root/etc/mke2fs.conf"
	# shellcheck disable=SC2086
	{
		printf '%s\n' $VM_TOOLS
		ldd $VM_TOOLS | grep -o '/[^ :]*' | grep -v ':$'
	} | sort -u | while read -r file; do
		install -D -m 755 "$file" "$root$file"
	done
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$VM_DIR/initrd.new"
	mv "$VM_DIR/initrd.new" "$VM_DIR/initrd"
}

# vm_own_initrd SCRIPT: the common initrd with this run's files behind it.
vm_own_initrd() {
	local files
	files=$(mktemp -d "$T/vm.XXXXXX")
	[ -z "${VM_FILES:-}" ] || cp -R "$VM_FILES" "$files/files"
	cp "$1" "$files/script"
	cat "$VM_DIR/initrd"
	(cd "$files" && find . | cpio --quiet -o -H newc)
}

# vm_tap NAME: a port of the switch for a guest.
vm_tap() {
	local mtu
	mtu=$(ip netns exec "$AOE_NET-w" cat /sys/class/net/br0/mtu)
	{
		echo "tuntap add $1 mode tap"
		echo "link set $1 mtu $mtu master br0 up"
	} | ip -n "$AOE_NET-w" -batch -
	echo "$mtu"
}

vm_run() {
	local mac=$1 script=$2 out=$3 tap=t${1//:/} mtu pid
	tap=t${tap: -8}
	: >"$out"
	mtu=$(vm_tap "$tap")
	vm_own_initrd "$script" >"$out.initrd"
	timeout -k 5 "$VM_TIMEOUT" ip netns exec "$AOE_NET-w" \
	    qemu-system-x86_64 -accel tcg -cpu max -smp 1 -m 512 \
	    -nodefaults -nographic -no-reboot -vga none \
	    -kernel "$VM_DIR/vmlinuz" -initrd "$out.initrd" \
	    "${VM_DISKS[@]}" \
	    -append "console=ttyS0 quiet panic=-1 tsc=reliable ipv6.disable=1" \
	    -serial "file:$out.console" -serial "file:$out" \
	    -netdev "tap,id=n,ifname=$tap,script=no,downscript=no" \
	    -device "virtio-net-pci,netdev=n,mac=$mac,host_mtu=$mtu,romfile=" \
	    </dev/null >"$out.qemu" 2>&1 3>&- &
	pid=$!
	on_exit kill_now "$pid"
	wait "$pid" || true
	ip -n "$AOE_NET-w" link del "$tap"
	vm_status "$out"
}

# vm_status OUT: the script's own status, or 125 if it did not end.
vm_status() {
	local status
	status=$(sed -n 's/^VM-EXIT: \([0-9]*\).*/\1/p' "$1" | tail -n 1)
	return "${status:-125}"
}

# vm_failed OUT: show what the guest said, and fail.
vm_failed() {
	tail -n 30 "$1.qemu" "$1.console" "$1"
	return 1
}
