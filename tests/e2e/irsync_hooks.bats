#!/usr/bin/env bats
# Programs run before and after a backup; they cannot hang it.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	mkdir -p "$T/src"
	echo x >"$T/src/file"
	irsync_conf_local "$T/src"
}
teardown() { run_cleanup; }

# hook NAME: a program of that name whose text is standard input.
hook() {
	{
		echo '#!/bin/bash'
		cat
	} >"$T/$1"
	chmod 755 "$T/$1"
}

@test "before runs first, after knows how it went" {
	hook pre <<<"echo made by the hook >$T/src/made; env >$T/pre.env"
	hook post <<<"env >$T/post.env; echo \"\$1\" >$T/post.arg"
	cat >>"$CONF" <<-EOT
	before = { "$T/pre" }
	after = { "$T/post", "two words" }
	EOT
	SECRET=1 irsync backup
	[ -f "$T/store/client.example.net.snaps/$(newest)/$T/src/made" ]
	grep -qx 'IRSYNC_HOST=client.example.net' "$T/pre.env"
	grep -qx 'IRSYNC_STATUS=0' "$T/post.env"
	grep -qx 'IRSYNC_RESULT=complete' "$T/post.env"
	[ "$(cat "$T/post.arg")" = 'two words' ]
	run ! grep -q SECRET "$T/pre.env"
	rm -r "$T/src"
	run -77 irsync backup
	grep -qx 'IRSYNC_STATUS=77' "$T/post.env"
	grep -q '^IRSYNC_ERROR=.*it is configured, and not there' "$T/post.env"
	# Neither runs for a trial.
	rm "$T/post.env"
	mkdir "$T/src"
	touch "$T/src/x"
	irsync -n backup
	[ ! -e "$T/post.env" ]
}

@test "where before fails, nothing is backed up, and after is told" {
	hook pre <<<'echo the disk is not there >&2; exit 3'
	hook post <<<"echo \"\$IRSYNC_STATUS \$IRSYNC_ERROR\" >$T/post"
	printf 'before = { "%s" }\nafter = { "%s" }\n' "$T/pre" "$T/post" \
	    >>"$CONF"
	sed -i "s|$T/post\" }|$T/after\" }|" "$CONF"
	mv "$T/post" "$T/after"
	run -1 irsync backup
	[[ $output == *"before: $T/pre: the disk is not there"* ]]
	[ "$(irsync list --json | jq '.snapshots | length')" = 0 ]
	[ "$(cat "$T/post")" = "1 before: $T/pre: the disk is not there" ]
}

@test "a hook that hangs is ended, with all that it started" {
	hook pre <<<"sleep 1000 & echo \$! >$T/child; trap '' TERM; wait; sleep 1000"
	printf 'before = { "%s" }\nhook_timeout = 1\n' "$T/pre" >>"$CONF"
	run -1 irsync backup
	[[ $output == *"it took more than 1 s"* ]]
	wait_until 5 pid_is_gone "$(cat "$T/child")"
}

@test "what a hook leaves running holds nobody up, however much it says" {
	hook pre <<<'timeout 600 yes & timeout 600 yes >&2 &'
	printf 'before = { "%s" }\n' "$T/pre" >>"$CONF"
	run -0 timeout 300 "$BIN/irsync" -f "$CONF" backup
}

@test "nice and ionice" {
	hook pre <<<"nice >$T/nice; ionice >$T/ionice"
	printf 'before = { "%s" }\nnice = 7\nionice = "idle"\n' "$T/pre" \
	    >>"$CONF"
	irsync backup
	[ "$(cat "$T/nice")" = 7 ]
	grep -q idle "$T/ionice"
}
