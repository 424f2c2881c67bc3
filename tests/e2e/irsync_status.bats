#!/usr/bin/env bats
# For monitoring: one line in the convention of its plug-ins, on a client about
# its storages, on a server about its clients.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq
	mkdir "$T/src"
	echo data >"$T/src/file"
	irsync_conf_local "$T/src"
}
teardown() { run_cleanup; }

# age_all DURATION: let the snapshots be that much older than they are.
age_all() {
	local s old snaps=$T/store/client.example.net.snaps
	for s in "$snaps"/2*; do
		s=${s##*/}
		old=$(date -u -d "$(sed -E \
		    's/T(..)(..)(..)Z/ \1:\2:\3/' <<<"$s") UTC - $1" \
		    +%Y-%m-%dT%H%M%SZ)
		mv "$snaps/$s" "$snaps/$old"
		jq -c ".stamp = \"$old\"" "$snaps/.meta/$s.json" \
		    >"$snaps/.meta/$old.json"
		rm "$snaps/.meta/$s.json"
	done
}

# The whole line, as a plug-in's is to be.
line() {
	[ "${#lines[@]}" = 1 ]
	[[ $output =~ ^IRSYNC\ (OK|WARNING|CRITICAL|UNKNOWN)\ -\ [^|]+\ \|(\ \'[^\'=]+\'=[0-9]+(s|B)?\;[0-9]*\;[0-9]*\;0)*$ ]]
}

@test "no snapshot, a new one, an old one, and a server that is away" {
	run -2 irsync status
	[[ $output == "IRSYNC CRITICAL - $T/store: no snapshot |" ]]
	irsync backup
	run -0 irsync status
	line
	[[ $output == "IRSYNC OK - $T/store: the newest complete snapshot is "* ]]
	[[ $output == *" age'="*"s;;93600;0 "*" size'=5B;;;0 "* ]]
	age_all '25 hours'
	run -0 irsync status
	line
	run -2 irsync status --max-age 24h
	line
	[[ $output == *"snapshot is 1 d old"* ]]
	run -3 irsync status --max-age yes
	run -3 irsync status host
	echo 'storage = "" "x' >>"$CONF"
	run -3 --separate-stderr irsync status
	[ "$output" = "IRSYNC UNKNOWN - the configuration is wrong" ]
}

@test "several storages: each is told, and the last error" {
	mkdir "$T/one"
	conf_set "storage = { \"$T/store\", \"$T/one\" }"
	irsync backup
	run -0 irsync status
	[[ $output == "IRSYNC OK - 2 of 2 storages are well |"* ]]
	line
	# The second one is away now: a file where a folder should be.
	mv "$T/one" "$T/away"
	run -1 irsync backup
	run -1 irsync status
	line
	[[ $output == "IRSYNC WARNING - 1 of 2 storages are well; $T/one: the last complete backup is "*"cannot be asked: "*"the last run, "*" failed: "* ]]
	run -0 irsync status --storage "$T/store"
	run -1 irsync status --json
	[ "$(jq -c '[.status, .exit, (.storages[] | .status)]' <<<"$output")" \
	    = '["WARNING",1,"OK","WARNING"]' ]
	jq -e '.storages[1].error | test("one")' <<<"$output"
}

@test "on the server, the clients that have stopped coming are named" {
	irsync backup
	age_all '3 days'
	conf_set 'host = "b.example.net"'
	irsync backup
	mkdir "$T/store/c.example.net.snaps"
	run -2 "$BIN/irsync" --store "$T/store" status
	line
	[[ $output == "IRSYNC CRITICAL - 1 of 3 clients are well; c.example.net: no snapshot; client.example.net: the newest complete snapshot is 3 d old, "* ]] ||
	    [[ $output == *"client.example.net: the newest complete snapshot is 3 d old, "*"c.example.net: no snapshot"* ]]
	run -0 "$BIN/irsync" --store "$T/store" status b.example.net
	run -0 "$BIN/irsync" --store "$T/store" --max-age 4d status \
	    client.example.net
	run -2 "$BIN/irsync" --store "$T/store" --json status
	[ "$(jq -c '[.clients[] | .status]' <<<"$output")" = \
	    '["OK","CRITICAL","CRITICAL"]' ]
	run -3 "$BIN/irsync" --store "$T/store" status nosuch
	run -3 --separate-stderr "$BIN/irsync" --store "$T/none" status
	[[ $output == "IRSYNC UNKNOWN - "* ]]
	mkdir "$T/empty"
	run -3 "$BIN/irsync" --store "$T/empty" status
	run -64 "$BIN/irsync" --store "$T/store" -f "$CONF" status
}

@test "a backup that became much smaller is a warning" {
	head -c 100000 /dev/zero >"$T/src/big"
	irsync backup
	irsync backup
	rm "$T/src/big"
	irsync backup --allow-shrink
	run -1 irsync status
	line
	[[ $output == *"less than half of the usual 97 KiB"* ]]
}
