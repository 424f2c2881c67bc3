#!/usr/bin/env bats
# A server with a shell and rsync and nothing of ours, and a connection to it that
# breaks where it hurts most.
# shellcheck disable=SC2016

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq
	mkdir -p "$T/src"
	irsync_conf_unmanaged "$T/st'o !r\$e\\" "$T/src"
}
teardown() { run_cleanup; }

# unreliable SCRIPT: an "ssh" that runs its last argument here, as a server would;
# SCRIPT sees it in $command, and may cut in: $n counts the connections.
unreliable() {
	cat >"$T/link" <<-EOT
	#!/bin/bash
	while [[ \$1 == -* ]]; do
		case \$1 in -o | -F | -p | -i) shift ;; esac
		shift
	done
	shift
	command="\$*"
	echo >>$T/connections
	n=\$(wc -l <$T/connections)
	EOT
	cat - >>"$T/link" <<<"$1"
	echo 'exec sh -c "$command"' >>"$T/link"
	chmod 755 "$T/link"
	: >"$T/connections"
	conf_set "ssh = \"$T/link\"" 'retries = 3' 'retry_pause = 0'
}

@test "the lost answer to a commit costs a snapshot too many, not one too few" {
	echo x >"$T/src/file"
	unreliable '[ $n != 3 ] || { sh -c "$command"; exit 255; }'
	run -0 irsync backup
	[[ $output == *"the server cannot be reached"*"snapshot "*complete* ]]
	run -0 irsync list --json
	[ "$(jq '.snapshots | length' <<<"$output")" = 2 ]
	[ ! -e "$STORE/.push" ]
}

@test "a commit that comes late takes nothing of the push after it" {
	echo x >"$T/src/file"
	# It waits where the connection broke, until rsync runs for the next.
	unreliable "
	case \$n in
	3) echo \"\$command\" >$T/late; exit 255 ;;
	5) ! sh $T/late 2>>$T/late.said || touch $T/wrong ;;
	esac"
	run -0 irsync backup
	[ ! -e "$T/wrong" ]
	grep -q 'tree' "$T/late.said"
	run -0 irsync list --json
	[ "$(jq '.snapshots | length' <<<"$output")" = 1 ]
	run -0 irsync restore --to "$T/out"
	cmp "$T/src/file" "$T/out$T/src/file"
	[ ! -e "$STORE/.push" ]
}

@test "two broken connections lose nothing that came over the first" {
	local i
	for i in a b c; do
		head -c 3000000 /dev/urandom >"$T/src/$i"
	done
	unreliable '
	cut() { stdbuf -o0 head -c "$1" | sh -c "$command"; exit 255; }
	case $n in 2) cut 4000000 ;; 4) cut 300 ;; esac'
	run -0 --separate-stderr irsync --json backup
	[ "$(jq '.attempts == 3 and .sent < 6500000' <<<"$output")" = true ]
	[ ! -e "$STORE/.push" ]
}

@test "a record of a snapshot that is not there goes" {
	echo x >"$T/src/file"
	unreliable :
	irsync backup
	first=$(newest)
	touch "$T/src/file"
	irsync backup
	rm -rf "${STORE:?}/$first"
	irsync backup
	run -0 irsync list --json
	[ "$(jq '.snapshots | length' <<<"$output")" = 2 ]
	[ ! -e "$STORE/.meta/$first.json" ]
	# Nor does one stay where there was no room for it.
	unreliable '[ $n != 3 ] || { ulimit -f 0; trap "" XFSZ; }'
	run -1 irsync backup
	[ "$(find "$STORE/.meta" -type f | wc -l)" = 2 ]
}

@test "whatever shell the account has" {
	local shell
	touch "$T/src/it's !x \\ \$y"
	for shell in bash rbash dash tcsh csh fish mksh zsh; do
		command -v $shell || continue
		rm -rf "${STORE:?}"
		unreliable :
		sed -i "s/^exec sh/exec $shell/" "$T/link"
		run -0 irsync backup
		touch "$T/src/file-$shell"
		run -0 irsync backup
		run -0 irsync check
	done
	# One that says something else besides, or nothing.
	for shell in 'echo Welcome; sh' 'head -c 99999 /dev/urandom; true' \
	    true; do
		sed -i '/^exec/d; /; exit$/d' "$T/link"
		echo "$shell -c \"\$command\"; exit" >>"$T/link"
		run -1 irsync check
		[[ $output == *"not ok"*"not that of a shell"* ]]
	done
	sed -i 's/^true .*/exec yes/' "$T/link"
	run -1 irsync backup
	[[ $output == *"the server's answer has no end"* ]]
	sed -i 's/^exec .*/exec sh -c "$command"/' "$T/link"
	for shell in /usr/sbin/nologin /bin/false; do
		[ -x $shell ] || continue
		sed -i "s,^exec .* -c,exec $shell -c," "$T/link"
		run -1 irsync backup
		run -1 irsync check
	done
}
