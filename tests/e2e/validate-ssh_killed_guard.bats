#!/usr/bin/env bats
# kill -9 of validate-ssh itself: nothing of what it started lives on, with and
# without namespaces, and the next push is let in.

load helpers
load guard

setup() {
	guard_setup
	mkdir "$T/src"
	echo one >"$T/src/one"
	push "$T/src/" server:
	cp "$TOOLS/standin" "$T/rsync"
}

teardown() {
	pkill -9 -f "^$T/rsync" || true
	run_cleanup
}

running() {
	pgrep -f "^$T/rsync" >/dev/null
}

not_running() {
	! running
}

# It leaves three processes that write for a minute, and stays itself.
killed() {
	local pid
	policy "" "rsync = '$T/rsync'"
	"$RSH" server rsync --server -r --info=linger . "$CLIENT.full" \
	    </dev/null >/dev/null 2>&1 &
	wait_until 10 running
	pid=$(sed -n 's/.*sshval(\([0-9]*\)).*runs:.*linger.*/\1/p' "$GUARD_LOG" | tail -n 1)
	wait_until 10 test "$(pgrep -fc "^$T/rsync")" -ge 3
	kill -9 "$pid"
	wait_until 5 not_running
	wait
	policy ""
	push "$T/src/" server:
	snapshot_count 2
}

@test "with namespaces" {
	killed
	confined
}

@test "without namespaces" {
	no_namespaces
	killed
}
