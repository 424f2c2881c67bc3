#!/usr/bin/env bats
# A hundred reloads that add, remove and alter rows cost an export that is
# written to, read and verified at full speed not one frame.

load helpers
load aoenet

setup() {
	need jq
	setup_tmp
	aoe_net 1
	truncate -s 8M "$T"/disk{1..5}
	row 1 "" >"$T/aoed.conf"
	head -c 4M /dev/urandom >"$T/data"
}

teardown() {
	run_cleanup
}

# row N OPTIONS
row() {
	echo "$(($1 - 1)) $T/disk$1 $(client_mac 1) aoe0 disk$1 $2"
}

# Write and verify until the test says that it is enough.  What is not answered is
# sent again after ten seconds: sooner, a busy machine may be the reason.
load_it() {
	while [ ! -e "$T/enough" ]; do
		aoe 1 -v -r 10 -c 8 write 0.0 0 <"$T/data" 2>>"$T/sent" &&
		    aoe 1 -v -r 10 -c 8 read 0.0 0 8192 2>>"$T/sent" |
		    cmp - "$T/data" && echo good >>"$T/rounds" ||
		    echo bad >>"$T/rounds"
	done
}

# Another table each time: rows come, go and get other options.
new_table() {
	local n i
	n=$((RANDOM % 5))
	for ((i = 1; i <= 1 + n; i++)); do
		[ "$i" = 1 ] && row 1 "" && continue
		case $((RANDOM % 4)) in
		0) ;;
		1) row "$i" ro ;;
		2) row "$i" "sync=none,length=$((8 * (1 + RANDOM % 1000)))" ;;
		3) row "$i" "buffers=$((1 + RANDOM % 64)),shared" ;;
		esac
	done >"$T/new"
	mv "$T/new" "$T/aoed.conf"
}

@test "a hundred reloads lose and repeat nothing of an export they leave alone" {
	start_aoed "$T/aoed.conf"
	load_it 3>&- &
	loader=$!
	for ((i = 0; i < 100; i++)); do
		new_table
		if [ $((i % 10)) = 0 ]; then
			kill -HUP "$AOED_PID"
		else
			aoectl reload >/dev/null
		fi
	done
	: >"$T/enough"
	wait "$loader"
	[ "$(grep -c bad "$T/rounds")" = 0 ]
	[ "$(grep -c good "$T/rounds")" -ge 3 ]
	cmp -n 4194304 "$T/disk1" "$T/data"
	# Every frame that was sent arrived once, none was sent again.
	[ "$(grep -vc ' 0 of them again' "$T/sent")" = 0 ]
	sent=$(awk '/frames sent/ { n += $2 } END { print n }' "$T/sent")
	aoectl --json stats >"$T/stats"
	jq -e "[.workers[].frames] | add == $sent" "$T/stats"
	jq -e '[.workers[].drops[]] | add == 0' "$T/stats"
	[ "$(grep -c ': reloaded' "$T/aoed.log")" -ge 91 ]
}

@test "a bad table among them changes nothing and says why" {
	start_aoed "$T/aoed.conf"
	{ row 1 ""; row 2 "ro,ro,what"; row 1 ""; echo 'SHELF=x'; } \
	    >"$T/aoed.conf"
	run aoectl reload
	[ "$status" = 1 ]
	[[ ${lines[0]} = "$T/aoed.conf:2:"*"option 'ro' is twice"* ]]
	[[ ${lines[1]} = "$T/aoed.conf:2:"*"unknown option 'what'"* ]]
	[[ ${lines[2]} = "$T/aoed.conf:3:1: 0.0 for"* ]]
	[[ ${lines[3]} = "$T/aoed.conf:3:"*"alias 'disk1'"* ]]
	[[ ${lines[4]} = "$T/aoed.conf:4:7: bad SHELF 'x'"* ]]
	aoe 1 identify 0.0 | grep -q sectors
	state_is disk1 serving
}
