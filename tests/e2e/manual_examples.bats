#!/usr/bin/env bats
# What the manual pages' EXAMPLES say is typed, on a machine that has what they
# speak of, and prints what they promise.  irsync(1) and irsync.conf(5) have
# tests of their own, as have the guides.

# shellcheck disable=SC2016 # what is in single quotes is for that machine

load helpers
load guide_machines
load rotate_helpers

setup_file() {
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	setup_tmp
	WHY_SKIP=$(why_skip needs)
	export WHY_SKIP
	[ -z "$WHY_SKIP" ] || return 0
	machines_setup
	machine host 10.99.0.1 00:16:e6:d3:ed:e0 /data /mnt
	machine_ns host ip link add eth2 type veth peer name eth3
	machine_ns host ip link set eth2 up
	machine_ns host ip link set eth3 up
	machine_fresh host
	on host bash -euc 'useradd -r -m -d /home/irsync irsync
	    useradd -r -M _aoed
	    install -d -m 700 -o irsync -g irsync /home/irsync/.ssh
	    install -d /etc/backshelf /var/lib/aoed /var/www/html'
}

needs() {
	need jq useradd
	unshare --mount mount -t overlay -o lowerdir=/etc:/usr probe /mnt ||
	    skip 'no overlay here'
}

teardown_file() { run_cleanup; }
setup() { [ -z "$WHY_SKIP" ] || skip "$WHY_SKIP"; }

# blocks PAGE: what the EXAMPLES of a page display, a block a part, each line
# with "# " or "$ " in front as a command, the others as they are.
blocks() {
	awk '/^\.Sh/ { on = /EXAMPLES/ }
	/^\.Ed/ { if (show) print "\f"; show = 0 }
	on && show
	on && /^\.Dl # / { sub(/^\.Dl /, ""); print }
	on && /^\.Bd/ { show = 1 }' "$GUIDE_TOP/$1" |
	    sed 's/\\(dq/"/g; s/\\e/\\/g; s/\\&//g; s/^client# /# /'
}

# typed PAGE [SED]: have one shell run all of a page's commands, as changed by
# SED where they cannot be run so here; each line that the page shows below a
# command has been printed.
typed() {
	blocks "$1" >"$T/blocks"
	sed -n 's/^[#$] //p' "$T/blocks" | sed -E "${2-}" >"$T/commands"
	[ -s "$T/commands" ]
	cat "$T/commands"
	on host bash -eu <"$T/commands" >"$T/said" 2>&1 || {
		cat "$T/said"
		return 1
	}
	cat "$T/said"
	awk '/^[#$] / { below = 1; next } /\f/ { below = 0 } below' \
	    "$T/blocks" >"$T/promised"
	while read -r line; do
		grep -qxF -- "$line" "$T/said" || {
			echo "it did not say: $line"
			return 1
		}
	done <"$T/promised"
}

# shown PAGE: the first block of its EXAMPLES, a configuration.
shown() {
	blocks "$1" | sed '/\f/Q'
}

has() {
	on host bash -euc "$1"
}

@test "aoed.conf(5), aoed(8), aoectl(8), backshelf-migrate-vblade(8)" {
	has 'truncate -s 1M /data/apollo.img /data/zeus.img /data/mail.img'
	shown aoe/aoed.conf.5 | sed 's,/dev/vg0/mail,/data/mail.img,' \
	    >"$T/disks/host/data/table"
	has 'aoed -n -f /data/table'
	has 'echo "0 /data/apollo.img 00:16:E6:D3:ED:E5 eth1 apollo" \
	    >/etc/vbladed.conf'
	typed etc/migrate/backshelf-migrate-vblade.8
	# In the foreground: of another terminal.
	typed aoe/aoed.8 \
	    's,^aoed -d$,setsid & >/data/log 2>\&1 3>\&- \&,'
	wait_until 30 has 'aoectl status apollo | grep -q serving'
	has 'mkdir -p /etc/vblade.conf.d
	printf "%s\n" shelf=0 slot=0 netif=eth1 filename=/data/apollo.img \
	    >/etc/vblade.conf.d/apollo.conf'
	typed aoe/aoectl.8
	grep '^apollo .*stopped' "$T/said"
	has 'grep apollo /etc/aoed.conf'
}

@test "rotate.conf(5) and irsync-rotate(8)" {
	local web=/data/irsync/web.example.net.snaps
	has 'mkdir /data/irsync'
	ln -s disks/host/data/irsync "$T/root"
	make_snapshot web.example.net 2026-11-21T040201Z
	make_snapshot web.example.net 2026-11-22T040201Z
	has 'chown -R irsync: /data/irsync'
	shown rotate/rotate.conf.5 >"$T/m/host/root/etc/backshelf/rotate.conf"
	# That the newest one is old is a warning, status 1.
	typed rotate/irsync-rotate.8 's/^irsync-rotate -n$/& || [ $? = 1 ]/'
	grep 'web.example.net: 2 kept, 0 to go' "$T/said"
	has "grep 'before the move' $web/.pins/2026-11-22T040201Z
	    grep -q web.example.net /var/www/html/backups.html"
}

@test "sshguard.conf(5) and validate-ssh(8)" {
	shown sshguard/sshguard.conf.5 \
	    >"$T/m/host/root/etc/backshelf/sshguard.conf"
	has 'mkdir -p /root/keys
	for c in mysql02.example.net laptop.example.net; do
		ssh-keygen -q -t ed25519 -N "" -C "irsync@$c" -f "/root/keys/$c"
	done
	for c in "/usr/bin/df -h /data" "rsync --server -logDtpre.iLsfxC . "; do
		SSH_ORIGINAL_COMMAND=$c SSH_CONNECTION="192.0.2.17 9 192.0.2.1 22" \
		    validate-ssh -n mysql02.example.net
	done'
	# Of a client that may come from anywhere, and for nothing else.
	has 'sed -i "/from =/d; /commands =/d" /etc/backshelf/sshguard.conf'
	# A client that pushes and pulls by rsync alone: as
	# validate-ssh_plain_rsync_makes_snapshot does.
	typed sshguard/validate-ssh.8 \
	    '/^rsync .*irsync@server:/d; s/^SSH_.*/& || [ $? = 77 ]/'
	has 'grep -c "restrict ssh-ed25519 " /home/irsync/.ssh/authorized_keys' |
	    grep -x 2
	shown sshguard/validate-ssh.8 | sed 's/ssh-ed25519.*//; s/mysql02.*//' |
	    while read -r line; do
		has "grep -F '$line' /home/irsync/.ssh/authorized_keys"
	done
}

@test "backshelf-migrate-irsync(8), -keys(8)" {
	has 'rm -rf /data/irsync
	web=/data/irsync/web.example.net
	mkdir -p $web.full/etc $web.snaps /usr/local/irsync
	echo x >$web.full/etc/file
	cp -al $web.full $web.snaps/2010-05-04.052908
	chown -R irsync: /data/irsync
	cat >/usr/local/irsync/conf.irsync <<-"END"
	install_path=/usr/local/irsync
	backup_host=backup5
	backup_storage=/data/irsync
	backup_file="$install_path/paths.irsync"
	ssh_user=irsync
	ssh_key="$install_path/ssh/id_rsa"
	END
	echo /etc >/usr/local/irsync/paths.irsync'
	typed etc/migrate/backshelf-migrate-irsync.8
	has 'test -L /data/irsync/web.example.net.full
	grep backup5 /etc/irsync.conf'
	has 'printf "command=\"/data/irsync/validate-ssh.sh\" %s\n" \
	    "$(cat /root/keys/laptop.example.net.pub)" \
	    >/home/irsync/.ssh/authorized_keys'
	typed etc/migrate/backshelf-migrate-keys.8
	has 'grep laptop.example.net /etc/backshelf/sshguard.conf
	grep "validate-ssh laptop.*restrict" \
	    /home/irsync/.ssh/authorized_keys.new'
}

@test "backshelf-migrate-rsnapshot(8), -rsync-time-backup(8), backshelf-migrate(8)" {
	has 'rm -rf /data/irsync
	mkdir -p /data/rsnapshot/daily.{0,1}/localhost/etc
	touch -d yesterday /data/rsnapshot/daily.1'
	typed etc/migrate/backshelf-migrate-rsnapshot.8
	has 'test -d /data/irsync/web.example.net.full/etc'
	has 'mkdir -p /mnt/disk/backup/2026-11-20-040201/docs
	: >/mnt/disk/backup/backup.marker'
	typed etc/migrate/backshelf-migrate-rsync-time-backup.8
	has 'test -d /mnt/disk/store/laptop.full/home/alice/docs'
	# On one file system with the store.
	machine_ns host umount -l "$T/m/host/root/data"
	has 'mkdir -p /data/irsync /.snapshots/daily.0/web.example.net/etc'
	typed etc/migrate/backshelf-migrate.8
	has 'test -d /.snapshots/daily.0/web.example.net/etc'
}
