#!/usr/bin/env bats
# A stranger installs the packages on a bare Debian, does what README.md says and
# nothing else, and has a backup day; then comes an upgrade, then the removal.

# shellcheck disable=SC2016 # what is in single quotes is for that machine

load helpers
load bare

MAC=00:16:e6:d3:ed:e5

setup_file() {
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	need dpkg-buildpackage dh lintian
	setup_tmp
	bare_start packages systemd-sysv dbus iproute2 rsync openssh-server \
	    openssh-client libbsd0 libconfuse2 libjansson4 libseccomp2 \
	    liburing2 libxxhash0
	# README.md's eth1, and the client behind it.
	ip netns add "$BARE_NET-c"
	on_exit ip netns del "$BARE_NET-c"
	ip -n "$BARE_NET" link add eth1 type veth peer name aoe0 \
	    address "$MAC" netns "$BARE_NET-c"
	ip -n "$BARE_NET" link set eth1 up
	ip -n "$BARE_NET-c" link set aoe0 up
	make -s -C "$TOP" dist DIST="$T" >&2
	"$TOP/etc/debian/build.sh" "$T"/backshelf-*.tar.gz "$T/data/deb" >&2
	# No systemd runs there: what README.md has it start, init's script
	# starts.  Whether units are enabled is left to the real systemctl.
	bare '
	cat >/etc/apt/apt.conf.d/test <<-"EOT"
	APT::Get::Assume-Yes "true";
	APT::Install-Recommends "false";
	Dpkg::Options { "--force-confold"; "--force-unsafe-io"; };
	EOT
	cat >/usr/local/bin/systemctl <<-"EOT"
	#!/bin/sh -e
	[ "$1 $2" != "enable --now" ] || shift 2
	/usr/bin/systemctl -q enable "$@"
	[ "$1" != aoed ] || /etc/init.d/aoed start
	EOT
	chmod 755 /usr/local/bin/systemctl'
}

teardown_file() {
	run_cleanup
}

# readme HEADING [N]: have that block run where the packages are.
readme() {
	local block
	block=$(readme_block "$@")
	[ -n "$block" ]
	bare "cd /data/deb; $block"
}

# disk ARGUMENT...: what the client behind eth1 asks for.
disk() {
	ip netns exec "$BARE_NET-c" "$TOOLS/aoeinit" -i aoe0 "$@"
}

is_enabled() {
	bare "find /etc/systemd/system -name '$1*'" | grep -q .
}

@test "the server's packages are installed, and nothing is on" {
	readme 'The server'
	bare 'apt install /data/deb/backshelf-aoe_*.deb'
	for unit in aoed irsync; do
		run is_enabled $unit
		[ "$status" = 1 ]
	done
	run bare 'find /etc/rc?.d -name "S*aoed"
	    grep -h "^[0-9]" /etc/cron.d/backshelf-*
	    pidof aoed irsync'
	[ -z "$output" ]
	bare 'getent passwd irsync' | grep ':/data/irsync:/bin/sh$'
	bare 'getent passwd _aoed' | grep ':/usr/sbin/nologin$'
	[ "$(bare 'stat -c "%a %U" /data/irsync /var/log/backshelf')" = \
	    $'700 irsync\n750 irsync' ]
	# Each program, and its page.
	for p in aoed aoectl irsync irsync-rotate; do
		bare "$p --version" | grep -x 'backshelf [0-9.]*'
	done
}

@test "a client is set up, and has its first backup and a file back" {
	bare '/etc/init.d/ssh start' >&2
	# It is shown the server's key, and says yes.
	block=$(readme_block 'A client')
	bare "cd /data/deb; echo yes | { $block
	}" >"$T/init"
	cat "$T/init"
	line=$(grep '^command=' "$T/init")
	block=$(readme_block 'A client' 2)
	[[ $block = *"${line%% ssh-ed25519*}"* ]]
	bare "${block/command=*AAAA*irsync@apollo/$line}"
	readme 'A client' 3
	[ -e "$T/data/irsync/apollo.full/etc/fstab" ]
	for timer in irsync-backup irsync-verify; do
		is_enabled $timer.timer
	done
	bare 'cat /var/log/backshelf/sshguard.log' |
	    grep 'apollo: snapshot .* complete'
}

@test "the day goes on: change, backup, diff, restore, rotate" {
	bare 'sleep 1; echo two >/etc/motd; rm /etc/issue
	irsync backup && irsync diff yesterday >/data/diff 2>/dev/null ||
	    irsync diff "$(irsync list | awk "NR == 2 { print \$1 }")" \
	    >/data/diff'
	grep '^\* .*/etc/motd' "$T/data/diff"
	grep '^- .*/etc/issue' "$T/data/diff"
	readme 'Each day, on the server'
	for timer in irsync-rotate irsync-store-status irsync-store-verify; do
		is_enabled $timer.timer
	done
	# What the timers start.
	bare 'cd /; user="setpriv --reuid irsync --regid irsync --clear-groups"
	$user irsync --store /data/irsync status
	$user irsync --store /data/irsync verify
	sed -i "s/^age = 14/keep-last = 1/" /etc/backshelf/rotate.conf
	irsync-rotate
	irsync verify'
	[ "$(find "$T/data/irsync/apollo.snaps" -maxdepth 1 -name '2*Z' |
	    wc -l)" = 1 ]
	# The key does nothing else.
	run bare 'ssh -i /root/.ssh/irsync -o UserKnownHostsFile=/root/.ssh/irsync.known_hosts irsync@backup.example.net id'
	[ "$status" = 77 ]
}

@test "a disk is served to the client behind eth1" {
	readme 'A disk over Ethernet'
	is_enabled aoed.service
	head -c 8192 /dev/urandom >"$T/blocks"
	disk write 0.0 8 <"$T/blocks"
	cmp -n 8192 -i 0:4096 "$T/blocks" "$T/data/apollo.img"
}

# newer PACKAGE SCRIPT: the package of a later version, in which SCRIPT has
# changed something.
newer() {
	rm -rf "$T/newer"
	dpkg-deb -R "$T"/data/deb/"$1"_*.deb "$T/newer"
	sed -i 's/^Version: .*/&1/; s/(= 1[^)]*/&1/' "$T/newer/DEBIAN/control"
	(cd "$T/newer" && eval "$2")
	dpkg-deb -Zgzip -z1 -b "$T/newer" "$T/data/newer/" >&2
}

@test "an upgrade keeps what was changed, and serves on" {
	mkdir "$T/data/newer"
	newer backshelf-server \
	    'echo "# new" | tee -a etc/backshelf/{sshguard,rotate}.conf'
	newer backshelf-client :
	newer backshelf-aoe :
	bare 'apt install /data/newer/*.deb'
	bare 'grep "client \"apollo\"" /etc/backshelf/sshguard.conf
	grep "keep-last = 1" /etc/backshelf/rotate.conf
	grep "# new" /etc/backshelf/sshguard.conf.dpkg-dist
	grep apollo.img /etc/aoed.conf
	irsync backup'
	[ "$(disk read 0.0 8 16 | cmp - "$T/blocks" && echo same)" = same ]
	is_enabled aoed.service
	is_enabled irsync-backup.timer
}

@test "what is removed and purged leaves the stores and the images" {
	# What belongs to the operator.
	state() {
		(cd "$T/data" && find irsync apollo.img -printf \
		    '%p %i %m %U %s %T@ %l\n' | sort)
		bare 'sha256sum /etc/irsync.conf /root/.ssh/irsync'
	}
	state >"$T/before"
	bare '/etc/init.d/aoed stop; apt remove "backshelf-*"'
	bare 'ls /etc/aoed.conf /etc/backshelf/sshguard.conf
	ls /var/lib/aoed /var/lib/irsync/*.json'
	bare 'apt purge "backshelf-*"'
	diff "$T/before" <(state)
	run bare 'find / -xdev ! -path "/proc/*" ! -path "/usr/local/*" \
	    ! -path "/tmp/*" ! -path "/etc/systemd/*" \
	    ! -path "/var/lib/systemd/*" ! -path "/root/*" \
	    \( -name "*aoed*" -o -name "*irsync*" -o -name "*backshelf*" \)'
	echo "$output"
	[ "$output" = /etc/irsync.conf ]
	run bare 'getent passwd irsync'
	[ "$status" = 0 ]
}
