#!/usr/bin/env bats
# A stranger installs the packages on a bare Debian, does what README.md says and
# nothing else, and has a backup day; then comes an upgrade, then the removal.
# With LONG=1 that Debian is booted, and its systemd runs what the packages
# bring; without, init's script and the commands of the units are run.

# shellcheck disable=SC2016 # what is in single quotes is for that machine

bats_require_minimum_version 1.5.0
load helpers
load bare

MAC=00:16:e6:d3:ed:e5

setup_file() {
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	BOOTED=$(for_long '' -b)
	local machine=(${BOOTED:+"$BOOTED"} packages systemd-sysv dbus iproute2
	    rsync openssh-server openssh-client libbsd0 libconfuse2 libjansson4
	    libseccomp2 liburing2 libxxhash0)
	WHY_SKIP=$(why_skip needs "${machine[@]}")
	export BOOTED WHY_SKIP
	[ -z "$WHY_SKIP" ] || return 0
	setup_tmp
	bare_start "${machine[@]}"
	# README.md's eth1, and the client behind it.
	ip netns add "$BARE_NET-c"
	on_exit ip netns del "$BARE_NET-c"
	ip -n "$BARE_NET" link add eth1 type veth peer name aoe0 \
	    address "$MAC" netns "$BARE_NET-c"
	ip -n "$BARE_NET" link set eth1 up
	ip -n "$BARE_NET-c" link set aoe0 up
	make -s -C "$TOP" dist DIST="$T" >&2
	"$TOP/etc/debian/build.sh" "$T"/backshelf-*.tar.gz "$T/data/deb" >&2
	bare 'cat >/etc/apt/apt.conf.d/test <<-"EOT"
	APT::Get::Assume-Yes "true";
	APT::Install-Recommends "false";
	Dpkg::Options { "--force-confold"; "--force-unsafe-io"; };
	EOT'
	[ -n "$BOOTED" ] || no_systemd
}

needs() {
	need dpkg-buildpackage dh lintian
	[ -z "$BOOTED" ] || need systemd-nspawn
	bare_needs "$@"
}

# What README.md has systemd start, init's script starts, as on a machine that
# has an init, and has come to its second runlevel.
no_systemd() {
	bare 'cat >/usr/local/bin/systemctl <<-"EOT"
	#!/bin/sh -e
	[ "$1 $2" = "enable --now" ] || exec /usr/bin/systemctl "$@"
	shift 2
	/usr/bin/systemctl -q enable "$@"
	[ "$1" = aoed ] || exit 0
	update-rc.d aoed enable
	invoke-rc.d aoed start
	EOT
	printf "#!/bin/sh\necho N 2\n" >/sbin/runlevel
	ln -s /bin/true /sbin/init
	chmod 755 /usr/local/bin/systemctl /sbin/runlevel'
}

teardown_file() {
	run_cleanup
}

setup() {
	[ -z "$WHY_SKIP" ] || skip "$WHY_SKIP"
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

disk_holds() {
	[ "$(disk read 0.0 8 16 | cmp - "$1" && echo same)" = same ]
}

# are_on UNIT...: they are enabled; where systemd runs, they are active too.
are_on() {
	bare "systemctl is-enabled $*"
	[ -z "$BOOTED" ] || bare "systemctl is-active $*"
}

# main_pid UNIT
main_pid() {
	bare "systemctl show -P MainPID $1"
}

@test "the server's packages are installed, and nothing is on" {
	readme 'The server'
	bare 'apt install /data/deb/backshelf-aoe_*.deb'
	for unit in aoed.service aoed-reload.path irsync-{backup,verify}.timer \
	    irsync-{rotate,usage,store-status,store-verify}.timer; do
		run bare "systemctl is-enabled $unit"
		[ "$output" = disabled ]
		[ -z "$BOOTED" ] || run ! bare "systemctl is-active $unit"
	done
	run bare 'find /etc/rc?.d -name "S*aoed"
	    grep -h "^[0-9]" /etc/cron.d/backshelf-*
	    pidof aoed irsync'
	[ -z "$output" ]
	bare 'getent passwd irsync' | grep ':/data/irsync:/bin/sh$'
	bare 'getent passwd _aoed' | grep ':/usr/sbin/nologin$'
	[ "$(bare 'stat -c "%a %U" /data/irsync /var/log/backshelf')" = \
	    $'700 irsync\n750 irsync' ]
	# Each program, its page, and what <Tab> offers.
	for p in aoed aoectl irsync irsync-rotate backshelf-migrate; do
		bare "$p --version" | grep -x 'backshelf [0-9.]*'
		bare "ls /usr/share/man/man?/$p.?.gz \
		    /usr/share/bash-completion/completions/$p"
	done
}

@test "a client is set up, and has its first backup and a file back" {
	[ -n "$BOOTED" ] || bare '/etc/init.d/ssh start' >&2
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
	are_on irsync-backup.timer irsync-verify.timer
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
	are_on irsync-{rotate,store-status,store-verify}.timer
	bare 'sed -i "s/^age = 14/keep-last = 1/" /etc/backshelf/rotate.conf'
	if [ -n "$BOOTED" ]; then
		timers_do_their_work
	else
		bare 'cd /
		user="setpriv --reuid irsync --regid irsync --clear-groups"
		$user irsync --store /data/irsync status
		$user irsync --store /data/irsync verify
		irsync-rotate
		irsync verify'
	fi
	[ "$(find "$T/data/irsync/apollo.snaps" -maxdepth 1 -name '2*Z' |
	    wc -l)" = 1 ]
	# The key does nothing else.
	run bare 'ssh -i /root/.ssh/irsync -o UserKnownHostsFile=/root/.ssh/irsync.known_hosts irsync@backup.example.net id'
	[ "$status" = 77 ]
}

# Each service does in its sandbox what its timer would start it for.
timers_do_their_work() {
	bare 'systemctl list-timers --no-pager --no-legend "irsync-*"' \
	    >"$T/timers"
	cat "$T/timers"
	for name in backup verify rotate store-status store-verify; do
		grep -q "irsync-$name.timer *irsync-$name.service" "$T/timers"
	done
	bare 'mkdir -p /var/www/html
	echo three >/etc/motd
	for u in irsync-backup irsync-verify irsync-store-status \
	    irsync-store-verify irsync-rotate irsync-usage; do
		systemctl start $u ||
		    { journalctl --no-pager -u $u; exit 1; }
	done
	# Of all units: journald does not always know whose a last line was.
	journalctl --no-pager -o cat' >"$T/journal"
	cat "$T/journal"
	grep 'apollo to .*: snapshot .* complete' "$T/journal"
	grep 'IRSYNC OK' "$T/journal"
	grep '1 client.*: 1 kept, 2 removed' "$T/journal"
	bare 'grep -q apollo /var/www/html/backups.html'
}

@test "a disk is served to the client behind eth1" {
	readme 'A disk over Ethernet'
	are_on aoed.service
	head -c 8192 /dev/urandom >"$T/blocks"
	disk write 0.0 8 <"$T/blocks"
	cmp -n 8192 -i 0:4096 "$T/blocks" "$T/data/apollo.img"
}

@test "systemd confines aoed, starts it again, and tells it of a new table" {
	[ -n "$BOOTED" ] || skip 'at full length only: LONG=1'
	run bare 'systemd-analyze security --no-pager aoed.service'
	echo "${lines[-1]}"
	[[ ${lines[-1]} =~ service:\ ([0-9.]+)\  ]]
	awk -v n="${BASH_REMATCH[1]}" 'BEGIN { exit !(n <= 2.0) }'
	# The parent is killed, then the child that serves.
	for whom in parent child; do
		pid=$(main_pid aoed)
		if [ "$whom" = child ]; then
			bare "kill -9 \$(cat /proc/$pid/task/$pid/children)"
		else
			bare "kill -9 $pid"
		fi
		wait_until 10 aoed_is_another_than "$pid"
		disk_holds "$T/blocks"
	done
	# It was not stopped too often, and its watchdog is content.
	bare 'systemctl is-active aoed'
	bare 'systemctl enable --now aoed-reload.path
	truncate -s 1M /data/second.img
	echo "1 /data/second.img FF:FF:FF:FF:FF:FF eth1 second" >>/etc/aoed.conf'
	wait_until 10 disk -t 1 identify 0.1
	# A table with a fault changes nothing, and the journal has its line.
	bare 'echo "2 nonsense" >>/etc/aoed.conf'
	wait_until 10 eval "bare 'journalctl -u aoed' | grep 'aoed.conf:[0-9]*'"
	disk_holds "$T/blocks"
	bare "sed -i '/nonsense/d' /etc/aoed.conf"
	bare 'systemctl --failed --no-legend --plain' >"$T/failed"
	run ! grep -v aoed-reload "$T/failed"
	bare 'systemctl reset-failed; systemctl reload aoed'
}

aoed_is_another_than() {
	local pid
	pid=$(main_pid aoed)
	[ "$pid" != 0 ] && [ "$pid" != "$1" ] &&
	    bare 'systemctl is-active aoed'
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

# A client that reads until it is told to end, and for as long as it gets what
# it has written.
reads_on() {
	while [ ! -e "$T/enough" ]; do
		disk_holds "$T/blocks" || return
		echo read >>"$T/reads"
	done
}

@test "an upgrade keeps what was changed, and serves on" {
	mkdir "$T/data/newer"
	newer backshelf-server \
	    'echo "# new" | tee -a etc/backshelf/{sshguard,rotate}.conf'
	newer backshelf-client :
	newer backshelf-aoe :
	pid=$(bare 'cat /run/aoed.sock.lock')
	reads_on &
	reader=$!
	bare 'apt install /data/newer/*.deb'
	: >"$T/enough"
	wait $reader
	[ "$(wc -l <"$T/reads")" -gt 5 ]
	[ "$(bare 'cat /run/aoed.sock.lock')" != "$pid" ]
	bare 'grep "client \"apollo\"" /etc/backshelf/sshguard.conf
	grep "keep-last = 1" /etc/backshelf/rotate.conf
	grep "# new" /etc/backshelf/sshguard.conf.dpkg-dist
	grep apollo.img /etc/aoed.conf
	irsync backup'
	disk_holds "$T/blocks"
	are_on aoed.service irsync-backup.timer
}

@test "what is removed and purged leaves the stores and the images" {
	# What belongs to the operator.
	state() {
		(cd "$T/data" && find irsync apollo.img -printf \
		    '%p %i %m %U %s %T@ %l\n' | sort)
		bare 'sha256sum /etc/irsync.conf /root/.ssh/irsync'
	}
	state >"$T/before"
	bare 'apt remove "backshelf-*"'
	run ! bare 'pidof aoed'
	[ -z "$BOOTED" ] ||
	    run ! bare 'systemctl is-active -q aoed irsync-backup.timer'
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
