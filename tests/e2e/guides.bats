#!/usr/bin/env bats
# backshelf(7) and backshelf-disaster(7) do what they say: their commands are
# typed on machines of the names that they use, from an empty server to a client
# that is lost and restored, and on the day after an accident.

load helpers
load guide_machines

PAGES=$HELPERS_DIR/../../etc/guide

setup() {
	setup_tmp
	need jq useradd
	machines_setup
	machine backup 10.99.0.1 02:00:00:00:00:01 /data
	machine apollo 10.99.0.2 02:00:00:00:00:02 /srv
	machine zeus 10.99.0.3 02:00:00:00:00:03
	machine mail 10.99.0.4 02:00:00:00:00:04
	machine rescue 10.99.0.5 02:00:00:00:00:05 /mnt
	for m in backup apollo zeus mail rescue; do machine_fresh "$m"; done
	machine_systemctl backup
	on backup ssh-keygen -A >/dev/null
	on backup /usr/sbin/sshd
	apollo_has_something
}
teardown() { run_cleanup; }

apollo_has_something() {
	on apollo bash -euc '
		mkdir -p /srv/www/deep /home/u
		echo page >/srv/www/index.html
		ln /srv/www/index.html "/srv/www/a second name"
		ln -s ../index.html /srv/www/deep/link
		chown 1234:5678 /srv/www/deep
		chmod 2750 /srv/www/deep
		mknod /srv/null c 1 3
		setfattr -n user.note -v x /srv/www/index.html
		truncate -s 5M /srv/holes
		touch -d "2001-02-03 04:05:06.123456789" /srv/www/index.html'
	cp -a "$T/disks/apollo/srv" "$T/was"
}

# diff, which finds a difference, says so by its status.
page_status() {
	case $1 in
	'diff /srv'*) [ "$2" = 1 ] ;;
	*) [ "$2" = 0 ] ;;
	esac
}

# What only Linux's own driver can do, which a namespace does not have: the
# tests in a virtual machine type these.
page_command_skip() {
	case $1:$2 in
	mail:*) return 0 ;;
	esac
	return 1
}

# page_said MACHINE COMMAND FILE: what it printed is what the page promises; and
# what happens between the commands happens.
page_said() {
	case $2 in
	*'irsync check') ! grep -q '^not ok' "$3" ;;
	'irsync backup') grep -q 'complete' "$3" && zeus_gets_a_key ;;
	'irsync-rotate usage') grep -q '^apollo' "$3" && grep -q '^zeus' "$3" ;;
	'irsync list /srv/www/index.html') apollo_spoils_a_file ;;
	'aoectl status') mail_makes_a_file_system && grep -q '^mail .*e0.0.*serving' "$3" ;;
	'diff /srv'*) grep -qx '< spoilt' "$3" ;;
	*'restore -n'*) grep -q 'a second name' "$3" ;;
	*'--in-place latest'*) on apollo grep -qx page /srv/www/index.html ;;
	*'restore latest --to /mnt') restored_is_equal ;;
	'irsync-rotate list apollo') grep -q 'being restored\|accident' "$3" ;;
	'validate-ssh -n'*) grep -q 'push' "$3" ;;
	'ls /mnt') grep -qx letters "$3" ;;
	'aoectl stop mail') grep -qx 'mail: stopped' "$3" ;;
	*'/srv/www --to /root/back') accident ;;
	'diff -r'*) grep -q 'LOCKED' "$3" ;;
	'aoectl status mail') grep -q 'serving' "$3" ;;
	*unpin*) ! ls "$T/disks/backup/data/irsync/apollo.snaps/.pins/"2* ;;
	esac
}

zeus_gets_a_key() {
	[ ! -e "$T/m/zeus/root/root/.ssh" ] || return 0
	on zeus bash -euc 'mkdir -m 700 /root/.ssh
	    ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519
	    ssh-keyscan backup >/root/.ssh/known_hosts 2>/dev/null'
	cp "$T/m/zeus/root/root/.ssh/id_ed25519.pub" \
	    "$T/m/backup/root/etc/backshelf/keys/zeus.pub"
	on backup bash -c 'validate-ssh keys /etc/backshelf/keys/*.pub \
	    >/data/irsync/.ssh/authorized_keys'
}

# What mail would do over AoE.
mail_makes_a_file_system() {
	local img=$T/disks/backup/data/disks/mail.img
	mkdir -p "$T/mail/letters"
	[ -e "$T/mail/made" ] || mkfs.ext4 -q -d "$T/mail" -F "$img" 1G
	: >"$T/mail/made"
}

accident() {
	rm "$T/disks/apollo/srv/www/a second name"
	echo pay >"$T/disks/apollo/srv/www/LOCKED"
}

apollo_spoils_a_file() {
	echo spoilt >"$T/disks/apollo/srv/www/index.html"
}

restored_is_equal() {
	"$HELPERS_DIR/sametree.py" "$T/was" "$T/disks/rescue/mnt/srv"
}

@test "from an empty machine to a client that is lost, and a day of disaster" {
	page_run "$PAGES/backshelf.7"
	# The disk that it exports is the mail server's, and nobody else's.
	machine_ns mail "$TOOLS/aoeinit" -i eth1 discover | grep '^e0.0 '
	run machine_ns zeus "$TOOLS/aoeinit" -i eth1 -t 1 discover
	[ -z "$output" ]
	# The key that was burnt is worth nothing.
	run on apollo ssh -i /etc/irsync.key -o BatchMode=yes \
	    -o UserKnownHostsFile=/etc/irsync.key.known_hosts irsync@backup true
	[ "$status" = 255 ]
	# The new machine is apollo now; here it is the old one with the new key.
	cp "$T/disks/rescue/mnt/etc/irsync.key"* "$T/m/apollo/root/etc/"
	page_run "$PAGES/backshelf-disaster.7"
	[ -e "$T/disks/apollo/srv/www/a second name" ]
}
