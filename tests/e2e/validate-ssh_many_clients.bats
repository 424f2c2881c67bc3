#!/usr/bin/env bats
# Pushes of many clients through a real sshd, ten at a time, into accounts with
# different shells: none is lost, and none mixed up.

load helpers
load guard

setup() {
	need ssh rsync xargs
	guard_setup
}

teardown() {
	run_cleanup
}

# one_push CLIENT N: push number N of a client; its files say whose they are.
one_push() {
	mkdir -p "$T/src/$1.$2/d"
	echo "$1 $2" >"$T/src/$1.$2/who"
	# rsync looks at size and seconds, and two pushes fit into one second.
	touch -d "@$((1700000000 + $2))" "$T/src/$1.$2/who"
	echo "$1" >"$T/src/$1.$2/d/same"
	timeout 600 rsync -aHAX --numeric-ids --delete \
	    -e "ssh -F $SSH_CONF -i $T/keys/$1" "$T/src/$1.$2/" server: ||
	    echo "$1 $2: $?" >>"$T/failed"
}

# all_push SHELL CLIENTS PUSHES: each of so many clients pushes so often.
all_push() {
	local shell=$1 clients=$2 pushes=$3 c n i
	need "$shell" ssh-keygen
	start_sshd
	sed -i "s|^\($ACCOUNT:.*:\)[^:]*$|\1$shell|" "$T/etc/passwd"
	mkdir "$T/keys" "$T/src"
	echo "root = '$STORE'" >"$T/sshguard.conf"
	echo "log = '$GUARD_LOG'" >>"$T/sshguard.conf"
	for ((i = 1; i <= clients; i++)); do
		c=client$i
		echo "client '$c' { sessions = 1 }" >>"$T/sshguard.conf"
		ssh-keygen -q -t ed25519 -N '' -f "$T/keys/$c"
		SSH_KEY=$T/keys/$c authorize "$c"
	done
	sed -i '/IdentityFile/d' "$SSH_CONF"
	export -f one_push
	export T SSH_CONF
	# shellcheck disable=SC2016
	for ((n = 1; n <= pushes; n++)); do
		for ((i = 1; i <= clients; i++)); do echo "client$i $n"; done |
		    xargs -P 10 -L 1 bash -c 'one_push "$0" "$1"'
	done
	[ ! -e "$T/failed" ] || { cat "$T/failed"; false; }
	for ((i = 1; i <= clients; i++)); do
		c=client$i
		[ "$(find "$STORE/$c.snaps" -maxdepth 1 -name '2*' | wc -l)" = "$pushes" ]
		[ "$(cat "$STORE/$c.snaps"/2*/who)" = \
		    "$(for ((n = 1; n <= pushes; n++)); do echo "$c $n"; done)" ]
		[ "$(sort -u "$STORE/$c.snaps"/2*/d/same)" = "$c" ]
	done
	grep -c 'no root of its own' "$GUARD_LOG" && false
	[ "$(grep -c ': snapshot .* complete: ' "$GUARD_LOG")" = $((clients * pushes)) ]
}

@test "the account's shell is dash" {
	all_push /bin/dash "$(for_long 6 20)" "$(for_long 2 10)"
}

@test "the account's shell is bash" {
	all_push /bin/bash "$(for_long 4 20)" "$(for_long 2 10)"
}

@test "the account's shell is sh" {
	all_push /bin/sh "$(for_long 6 50)" "$(for_long 5 10)"
}
