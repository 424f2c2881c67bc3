# shellcheck shell=bash disable=SC2016
# guide_machines.bash: machines for the guides, which are manual pages whose
# commands are typed as root on machines with names.
#
# A machine is this one seen through an overlay, in namespaces of its own, so
# that /etc, the accounts and what is installed are its own, and what is done to
# it is gone with it.  Its disks, which rsync and the store need to be real, are
# folders of $T.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

GUIDE_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# machines_setup: a memory file system for what they change (an overlay's upper
# folder must not lie below the lower one, which is /), and a switch.
machines_setup() {
	mkdir "$T/m"
	mount -t tmpfs -o mode=755 machines "$T/m"
	on_exit umount -R -l "$T/m"
	NET=g$$
	ip netns add "$NET"
	on_exit ip netns del "$NET"
	ip -n "$NET" link add br0 type bridge
	ip -n "$NET" link set br0 up
	: >"$T/hosts"
}

# machine NAME ADDRESS MAC DISK...: start one; each DISK is a folder of it.
machine() {
	local name=$1 m=$T/m/$1 disk
	mkdir -p "$m/up" "$m/work" "$m/root"
	mount -t overlay -o "lowerdir=/,upperdir=$m/up,workdir=$m/work" \
	    machine "$m/root" || skip 'no overlay of / here'
	unshare --net --uts --pid --mount --fork -- sleep infinity 3>&- &
	on_exit kill_namespace $!
	wait_until 5 pgrep -P $!
	pgrep -P $! >"$m/pid"
	machine_wire "$name" "$2" "$3"
	echo "$2 $name" >>"$T/hosts"
	for disk in "${@:4}"; do
		mkdir -p "$T/disks/$name$disk" "$m/root$disk"
	done
	machine_ns "$name" bash -euc '
		root=$1 disks=$2
		shift 2
		hostname "$1"
		mount --rbind /dev "$root/dev"
		mount -t proc proc "$root/proc"
		mount -t tmpfs -o mode=755 run "$root/run"
		mkdir "$root/run/sshd"
		for d in "${@:2}"; do mount --bind "$disks$d" "$root$d"; done
	' - "$m/root" "$T/disks/$name" "$name" "${@:4}"
}

# machine_wire NAME ADDRESS MAC: eth0 with the address, eth1 with the MAC.
machine_wire() {
	local pid i
	pid=$(cat "$T/m/$1/pid")
	for i in 0 1; do
		ip -n "$NET" link add "$1$i" type veth peer name "eth$i" \
		    netns "$pid"
		ip -n "$NET" link set "$1$i" master br0 up
	done
	machine_ns "$1" ip link set eth1 address "$3"
	machine_ns "$1" ip addr add "$2/24" dev eth0
	for i in lo eth0 eth1; do machine_ns "$1" ip link set "$i" up; done
}

machine_ns() {
	local pid
	pid=$(cat "$T/m/$1/pid")
	nsenter --net --uts --pid --mount -t "$pid" "${@:2}"
}

# on NAME COMMAND...: run it there.
on() {
	machine_ns "$1" env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 USER=root \
	    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	    chroot "$T/m/$1/root" "${@:2}"
}

# machine_fresh NAME: as a new machine is: the programs installed, no accounts,
# keys or configuration of ours; the others' names known.
machine_fresh() {
	on "$1" bash -euc '
		rm -rf /etc/backshelf /etc/irsync* /etc/aoed* /root/.ssh \
		    /var/lib/irsync /var/lib/aoed
		for u in irsync _aoed; do
			userdel "$u" 2>/dev/null || true
			groupdel "$u" 2>/dev/null || true
		done
		make -s -C "$1" install >/dev/null
	' - "$GUIDE_TOP"
	cat "$T/hosts" >>"$T/m/$1/root/etc/hosts"
}

# machine_systemctl NAME: there is no systemd here.  What stands in for it starts
# a unit's ExecStart; a timer's service is run once, to its end.
machine_systemctl() {
	cat >"$T/m/$1/root/usr/local/bin/systemctl" <<-'EOT'
	#!/bin/bash
	# systemctl enable|disable --now UNIT
	set -eu
	case "$1 $2" in
	'enable --now') ;;
	'disable --now') exit 0 ;;
	*) exit 64 ;;
	esac
	cd /usr/local/lib/systemd/system
	unit=${3%.service}
	read -ra words < <(sed -n 's/^ExecStart=//p' "${unit%.timer}.service")
	case $unit in
	*.timer) grep -q '^OnCalendar=' "$unit" && exec "${words[@]}" ;;
	esac
	setsid "${words[@]}" >/dev/null 2>&1 </dev/null &
	for _ in {1..100}; do
		aoectl status >/dev/null 2>&1 && exit 0
		sleep 0.1
	done
	exit 1
	EOT
	chmod 755 "$T/m/$1/root/usr/local/bin/systemctl"
}

# page_commands PAGE: the commands of a manual page, in order: the machine's
# name, a tab, and the command, whose lines are joined by "\a".
page_commands() {
	awk '
	/^\.Bd -literal/ { on = 1; next }
	/^\.Ed/ { if (cmd != "") print cmd; cmd = ""; on = 0; next }
	!on { next }
	/^[a-z]+# / {
		if (cmd != "") print cmd
		cmd = $0
		sub(/# /, "\t", cmd)
		next
	}
	cmd != "" { cmd = cmd "\a" $0 }
	' "$1" | sed 's/\\e/\\/g; s/\\&//g'
}

# page_run PAGE: type them.  What "cat >FILE" without more is given is what the
# command before it printed, as by copy and paste; who is asked says yes, at a terminal where one is needed.
# The test says by page_command_skip MACHINE COMMAND which are not run here, by
# page_status COMMAND STATUS how one may end, and by page_said MACHINE COMMAND FILE
# whether it printed what the page promises.
page_run() {
	local name command status said=$T/said
	echo yes >"$T/yes"
	: >"$said"
	while IFS=$'\t' read -r name command <&8; do
		command=${command//$'\a'/$'\n'}
		if page_command_skip "$name" "$command"; then
			echo "$name# $command  (not run here)"
			continue
		fi
		echo "$name# $command"
		status=0
		case $command in
		'cat >'*'<<'*) on "$name" bash -c "$command" ;;
		'cat >'*) on "$name" bash -c "$command" <"$said.last" ;;
		*--in-place* | *--from*) on "$name" "$GUIDE_TOP/tests/e2e/sayyes.py" \
		    bash -c "$command" </dev/null >"$said" 2>&1 ;;
		*) on "$name" bash -c "$command" <"$T/yes" >"$said" 2>&1 ;;
		esac || status=$?
		page_status "$command" "$status" || {
			cat "$said"
			echo "it ended with $status: $name# $command"
			return 1
		}
		sed 's/\r$//; s/.*\r//' "$said"
		cp "$said" "$said.last"
		page_said "$name" "$command" "$said" || {
			echo "it should have said something else"
			return 1
		}
	done 8< <(page_commands "$1")
}
