#!/usr/bin/env bats
# The EXAMPLES of irsync(1) about looking and getting back do what they say.

load helpers
load irsync_helpers

setup() {
	setup_tmp
	need jq
	mkdir "$T/etc"
	echo old >"$T/etc/fstab"
	touch -d 2020-01-01 "$T/etc/fstab"
	irsync_conf_local "$T/etc"
	irsync backup
	# That was a day ago.
	SNAPS=$T/store/client.example.net.snaps
	now=$(newest)
	then=$(date -u -d "yesterday $(date -u +%T)" +%Y-%m-%dT%H%M%SZ)
	mv "$SNAPS/$now" "$SNAPS/$then"
	jq -c ".stamp = \"$then\"" "$SNAPS/.meta/$now.json" \
	    >"$SNAPS/.meta/$then.json"
	rm "$SNAPS/.meta/$now.json"
	echo newer >"$T/etc/fstab"
	run -0 example 'irsync -n backup'
	[[ $output == *"$T/etc/fstab"* ]]
	# From cron: no mail.
	run -0 example 'irsync backup >/dev/null'
	[ -z "$output" ]
	cd "$T" || return
}
teardown() { run_cleanup; }

# example TEXT: run a line that stands in the manual, with our paths.
example() {
	grep -qF -- "$1" "$HELPERS_DIR/../../irsync/irsync.1"
	local line=${1//\/etc\/fstab/$T/etc/fstab}
	line=${line//\/data\/irsync/$T/store}
	line=${line//\\e%/%}
	eval "${line//\/tmp\/x/$T/x}"
}

@test "the file of the day before comes back" {
	run -0 example 'irsync list'
	[ "${#lines[@]}" = 4 ]
	example 'irsync restore yesterday /etc/fstab --to /tmp/x'
	run -1 example 'diff /etc/fstab /tmp/x/etc/fstab'
	[ "$(cat "$T/x$T/etc/fstab")" = old ]
	run -0 example 'irsync list /etc/fstab'
	[ "${lines[0]}" = "$T/etc/fstab: 2 versions" ]
	run -0 example 'irsync diff yesterday'
	[[ $output == *"* $T/etc/fstab  (size, time: 4 B to 6 B)"* ]]
	run -1 example 'irsync restore --in-place yesterday /etc/fstab' \
	    </dev/null
	[[ $output == *"* $T/etc/fstab  (size, time)"* ]]
	irsync restore --yes --in-place yesterday "$T/etc/fstab"
	[ "$(cat "$T/etc/fstab")" = old ]
}

@test "status and verify, on a client and on a server" {
	run -0 example 'irsync status --max-age 26h'
	[[ $output == "IRSYNC OK - "* ]]
	run -0 example 'irsync verify --sample 1000 >/dev/null'
	# shellcheck disable=SC2317
	irsync() { "$BIN/irsync" "$@"; }
	run -0 example 'irsync --store /data/irsync status'
	[[ $output == "IRSYNC OK - client.example.net: "* ]]
	# shellcheck disable=SC2016
	run -0 example 'irsync --store /data/irsync verify --part $(( $(date +\e%s) / 86400 \e% 28 + 1 ))/28 >/dev/null'
}
