# shellcheck shell=bash
# act 3: what the key that was stolen with the client can do.
#
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The backshelf authors

act3() {
	act 3 'the intruder has the key'
	intruder_stage
	intruder_ssh
	shown 'no shell, no forwarding, no copy' 'ssh, scp'
	intruder_rsync
	shown 'no rsync but a backup or a restore' 'rsync'
	intruder_harm
	shown 'nothing on the server has changed' 'find, getfattr, sha256sum'
}

# zeus has a backup too, made with its own key and nothing but rsync.
intruder_stage() {
	local apollos=$SSH_KEY
	ssh-keygen -q -t ed25519 -N '' -C zeus -f "$T/ssh/zeus_key"
	SSH_KEY=$T/ssh/zeus_key
	authorize_command "$BIN/validate-ssh zeus"
	SSH_KEY=$apollos
	sed "s|$SSH_KEY|$T/ssh/zeus_key|" "$SSH_CONF" >"$T/ssh/zeus_config"
	mkdir "$T/secrets" "$T/loot"
	echo "what only zeus may know" >"$T/secrets/plan"
	echo evil >"$T/evil"
	tell <<-'.'
	zeus, meanwhile, makes a backup with its own key and nothing but rsync.
	.
	show zeus "rsync -aHAX --numeric-ids -e 'ssh -F ssh/zeus_config' secrets/ server:"
	check 'it is a snapshot in the folder of zeus' \
	    test -e /data/irsync/zeus.full/plan
	tell <<-'.'
	Whoever broke into apollo found its key.  Can it destroy the backups, enter
	the server, read what zeus has?
	.
	STORE_BEFORE=$(manifest_all)
}

# manifest_all: the whole store, numbers of links and change times too.
manifest_all() {
	(
		manifest /data/irsync
		find /data/irsync -printf '%P %n %C@\0' | sort -z
	) | sha256sum
}

# attempt WHAT LOG COMMAND: it must fail, and the server must log LOG, with the
# client's address.  The log is shown; the client reads much the same.
attempt() {
	local guard sshd
	guard=$(stat -c %s "$T/syslog")
	sshd=$(stat -c %s "$T/sshd.log")
	show -e x -n 0 apollo "$3"
	wait_until 5 attempt_logged "$guard" "$sshd" "$2" ||
		fail "$1: not in the server's log"
	attempt_logged "$guard" "$sshd" "$2" | sed 's/^/log: /' | indent 9
	check "$1: refused and logged" true
}

attempt_logged() {
	{
		tail -c +$(($1 + 1)) "$T/syslog"
		tail -c +$(($2 + 1)) "$T/sshd.log"
	} | grep -aE "$3" | grep -aF -m 1 127.0.0.1
}

intruder_ssh() {
	local no='sshval\([0-9]+\): ssh command rejected'
	attempt 'deleting everything' "$no" \
	    "ssh server 'rm -rf /data/irsync/apollo.snaps'"
	attempt 'a shell' 'sshval\([0-9]+\): interactive shell rejected' \
	    'ssh -t server'
	attempt 'a shell behind an rsync' "$no" \
	    "ssh server 'rsync --server . /; sh -i'"
	attempt 'copying in' "$no" 'scp evil server:/data/irsync/'
	attempt 'copying in the old way' "$no" \
	    'scp -O evil server:/data/irsync/'
	attempt 'a port forward' 'refused local port forward' \
	    'ssh -W 127.0.0.1:3306 server'
}

intruder_rsync() {
	local no='sshval\([0-9]+\): ssh command rejected' newest
	newest=$(basename "$(readlink /data/irsync/apollo.full)")
	attempt "reading zeus's backup" "$no" \
	    'rsync -r server:/data/irsync/zeus.full/ loot/'
	attempt "writing into zeus's backup" "$no" \
	    'rsync -r evil server:zeus.full/'
	attempt 'climbing out' "$no" \
	    'rsync -r evil server:apollo.full/../../zeus.full/'
	attempt 'rewriting history' "$no" \
	    "rsync -r evil server:apollo.snaps/$newest/shop/"
	attempt 'emptying it by a restore' "$no" \
	    'rsync -r --remove-source-files server:apollo.full/ loot/'
	attempt 'a log file elsewhere' "$no" \
	    'rsync -r -M--log-file=/data/irsync/log evil server:apollo.full/'
	attempt 'a daemon' "$no" "ssh server 'rsync --server --daemon .'"
}

intruder_harm() {
	tell <<-'.'
	And the server's disk?  Every name, inode, owner, mode, time, attribute and
	byte below /data/irsync, before and after:
	.
	check 'nothing in the store has changed' \
	    test "$(manifest_all)" = "$STORE_BEFORE"
	check 'nothing was carried off' test -z "$(ls -A "$T/loot")"
	check "no process of the server's account is left" \
	    not pgrep -u "$ACCOUNT_ID"
}
