# shellcheck shell=bash
# act 1: one server gives each of three machines the disk that is its own.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

# shellcheck source=tests/e2e/aoenet.bash
. "$TOP/tests/e2e/aoenet.bash"
# shellcheck source=tests/vm/vm.bash
. "$TOP/tests/vm/vm.bash"

act1() {
	act 1 'three machines without a disk'
	disks_network
	disks_serve
	disks_discover
	shown 'each client finds one disk, its own' 'aoeping of aoetools'
	disks_stranger
	shown "no answer to another's frames" 'aoeping of aoetools'
	disks_linux
}

# Clients 1 to 3 of the switch.  mail, the fourth address, is a virtual machine
# that is plugged in when it boots.
disks_network() {
	aoe_net 3
	# shellcheck disable=SC2034 # story.bash asks for it
	HOST_NET=(
		[server]=$AOE_NET-s [apollo]=$AOE_NET-1 [zeus]=$AOE_NET-2
		[stranger]=$AOE_NET-3
	)
	mkdir /data/disks
	truncate -s 64M /data/disks/apollo.img
	truncate -s 80M /data/disks/zeus.img
	truncate -s 96M /data/disks/mail.img
	chown _aoed: /data/disks/*
	cat >/etc/aoed.conf <<-CONF
	SHELF="0"
	# slot  file                    mac                iface  alias
	0       /data/disks/apollo.img  $(client_mac 1)  aoe0   apollo
	0       /data/disks/zeus.img    $(client_mac 2)  aoe0   zeus
	0       /data/disks/mail.img    $(client_mac 4)  aoe0   mail
	CONF
}

disks_serve() {
	tell <<-'.'
	apollo, zeus and mail have no disk of their own.  Each asks the wire for
	"shelf 0, slot 0", and each is to be given a disk of its own.  On the server
	that is one table and one daemon.
	.
	show server 'cat /etc/aoed.conf'
	show server 'aoed -n && echo the table is good'
	show server 'aoed -S /run/aoed'
	on_exit pkill -x aoed
	wait_until 10 command aoectl status
	show server 'aoectl status | cut -c -78'
	check 'one daemon serves three exports' \
	    test "$(command aoectl --json status | grep -o '"alias"' |
		wc -l)" = 3
}

# Sectors of 512 bytes, by the size of the image.
disks_discover() {
	local k=0 name sectors
	tell <<-'.'
	What do the machines see?  Each is in a network namespace of its own, with
	an address of its own, on one switch.
	.
	for name in apollo zeus; do
		k=$((k + 1))
		sectors=$(($(stat -c %s "/data/disks/$name.img") / 512))
		show "$name" "aoeping -I -s 5 0 0 aoe0 | grep -E 'serial|model'"
		show "$name" "aoeinit -i aoe0 discover"
		check "$name discovers exactly one disk" \
		    test "$(grep -c . "$T/out")" = 1 -a \
		    "$(grep -c '^e0\.0 ' "$T/out")" = 1
		check "and it has the size of $name.img" \
		    test "$(aoe "$k" identify 0.0 |
			sed -n 's/^sectors //p')" = "$sectors"
	done
}

disks_stranger() {
	local before
	tell <<-'.'
	A fourth machine is on the wire too, and the table does not know it.
	.
	before=$(sha256sum /data/disks/*.img)
	show -e x stranger 'aoeping -s 1 0 0 aoe0'
	show -e x stranger 'aoeinit -i aoe0 -t 1 discover'
	check 'the stranger discovers nothing' test ! -s "$T/out"
	head -c 65536 /dev/urandom >"$T/blocks"
	show -e x stranger \
	    "aoeinit -i aoe0 -t 1 -d $SERVER_MAC write 0.0 0 <blocks"
	check 'what it writes gets no answer, and no disk has changed' \
	    test "$(sha256sum /data/disks/*.img)" = "$before"
	tell <<-'.'
	zeus writes to e0.0, which is what apollo's disk is called as well.
	.
	show zeus 'aoeinit -i aoe0 write 0.0 0 <blocks'
	check "it is on zeus's disk" \
	    cmp -n 65536 "$T/blocks" /data/disks/zeus.img
	check "and apollo's has not changed" \
	    test "$(sha256sum /data/disks/apollo.img)" = \
	    "$(grep apollo <<<"$before")"
}

disks_linux() {
	local ready=$DEMO_TMP/vm-is-missing
	if [ -e "$ready" ]; then
		disks_without_linux "$(cat "$ready")"
		return
	fi
	tell <<-'.'
	mail boots: Debian's kernel in a virtual machine, with the kernel's own AoE
	driver.  It makes a file system on the disk it finds, writes, unmounts,
	forgets all it knew, and mounts again.
	.
	cat >"$T/script" <<-'SCRIPT'
	aoe_up e0.0
	echo "mail# ls /dev/etherd"
	ls /dev/etherd | grep -E '^e[0-9]'
	echo "mail# mkfs.ext4 /dev/etherd/e0.0"
	mkfs.ext4 /dev/etherd/e0.0 2>&1 | grep Creating
	mount -t ext4 /dev/etherd/e0.0 /mnt
	cp -R /files/letters /mnt
	umount /mnt
	forget
	mount -t ext4 /dev/etherd/e0.0 /mnt
	echo "mail# df -h /mnt"
	df -h /mnt
	cd /mnt/letters
	sha256sum -c /files/SUMS >/tmp/sums && echo "all letters are good"
	cd /
	umount /mnt
	SCRIPT
	disks_letters
	vm_run "$(client_mac 4)" "$T/script" "$T/mail" || {
		vm_log "$T/mail" >&2
		fail "the virtual machine's script failed"
	}
	echo
	grep -v '^VM-EXIT' "$T/mail" | indent 20
	check 'mail saw e0.0 and nothing else' \
	    test "$(grep -E '^e[0-9]' "$T/mail")" = e0.0
	check 'mail read back what it had written' \
	    grep -q '^all letters are good' "$T/mail"
	show server 'e2fsck -fn /data/disks/mail.img'
	check "fsck on the server found mail's file system clean" \
	    grep -q '^/data/disks/mail.img: 112/' "$T/out"
	mkdir "$T/dump"
	debugfs -R "rdump /letters $T/dump" /data/disks/mail.img 2>/dev/null
	check "and mail's letters are in the image" \
	    diff -r "$T/files/letters" "$T/dump/letters"
	shown 'a file system over AoE, by Linux itself' "Linux's aoe driver, e2fsck"
}

disks_letters() {
	local i
	VM_FILES=$T/files
	mkdir -p "$VM_FILES/letters"
	for i in {1..100}; do
		head -c $((i * 1111)) /dev/urandom >"$VM_FILES/letters/$i"
	done
	(cd "$VM_FILES/letters" && sha256sum -- *) >"$VM_FILES/SUMS"
}

# disks_without_linux WHY: the same disk by the initiator of the tests.
disks_without_linux() {
	tell <<-.
	Linux's own driver cannot be shown here: $1.  An initiator in user space
	puts a file system on apollo's disk and reads it back.
	.
	truncate -s 64M "$T/image"
	mkfs.ext4 -q "$T/image"
	show apollo "aoeinit -i aoe0 write 0.0 0 <image"
	show apollo "aoeinit -i aoe0 read 0.0 0 131072 >image.back"
	check 'what was written is read back' cmp "$T/image" "$T/image.back"
	show server 'e2fsck -fn /data/disks/apollo.img'
	shown 'a file system over AoE (not by Linux)' 'aoeinit, e2fsck'
}
