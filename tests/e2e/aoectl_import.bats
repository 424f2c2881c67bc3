#!/usr/bin/env bats
# aoectl import: vblade's configurations become a table; nothing of them is run,
# and what is not understood is reported with its place.
# shellcheck disable=SC2154 # stderr and stderr_lines are run's

bats_require_minimum_version 1.5.0
load helpers

setup() {
	need jq
	setup_tmp
	C=$T/vblade.conf.d
	mkdir "$C"
}

teardown() {
	run_cleanup
}

fragment() {
	printf 'shelf=%s\nslot=%s\nnetif=%s\nfilename=%s\noptions=%s\n' \
	    "${@:2}" >"$C/$1.conf"
}

@test "what is understood is printed, as a table that aoed reads" {
	cp /etc/vblade.conf.d/skeleton.conf "$C" 2>/dev/null || true
	fragment mail 14 2 ens3 /dev/mapper/export \
	    "'-r -m 12:22:33:44:55:66,223344556678 -o 8'"
	fragment web 0 0 eth1 "'/data/my disk.img'" ''
	printf 'eth0 0 0 /dev/sdb 00:11:22:33:44:55\n' >"$C/lines.conf"
	mkdir -p "$C/3.1/env" "$C/3.1/macs"
	echo 3 >"$C/3.1/env/SHELF"
	echo 1 >"$C/3.1/env/SLOT"
	echo eth0 >"$C/3.1/env/NETIF"
	echo /dev/x >"$C/3.1/env/SOURCE"
	: >"$C/3.1/macs/001122334455"
	"$BIN/aoectl" import "$C" >"$T/table" 2>"$T/err"
	[ ! -s "$T/err" ]
	grep -v '^#' "$T/table" >"$T/rows"
	diff - "$T/rows" <<-'END'
	3.1  /dev/x  00:11:22:33:44:55  eth0  3.1
	0.0  /dev/sdb  00:11:22:33:44:55  eth0  e0.0
	14.2  /dev/mapper/export  12:22:33:44:55:66,22:33:44:55:66:78  ens3  mail  ro,offset=8
	0.0  /data/my\040disk.img  ff:ff:ff:ff:ff:ff  eth1  web
	END
	# Nothing is wrong but what is not on this machine.
	run "$BIN/aoed" -n -f "$T/table"
	[ "$status" = 1 ]
	run grep -v 'No such' <<<"$output"
	[ "$status" = 1 ]
	"$BIN/aoectl" --json import "$C" | jq -e '.ok and (.errors == [])'
}

@test "nothing of it is run, and each such line is named" {
	fragment good 1 1 eth0 /dev/x ''
	fragment evil 1 2 eth0 /dev/x "\$(touch $T/evil)"
	cat >>"$C/evil.conf" <<-END
	touch $T/evil
	\`touch $T/evil\`
	. $T/x
	END
	run --separate-stderr "$BIN/aoectl" import "$C"
	[ "$status" = 1 ]
	[ ! -e "$T/evil" ]
	[[ $output = *'1.1  /dev/x  ff:ff:ff:ff:ff:ff  eth0  good' ]]
	[[ ${stderr_lines[0]} = "$C/evil.conf:5:9: not understood"* ]]
	[[ ${stderr_lines[1]} = "$C/evil.conf:6:1: not understood"* ]]
	[ "${#stderr_lines[@]}" = 4 ]
	run --separate-stderr "$BIN/aoectl" --json import "$C"
	[ "$status" = 1 ]
	jq -e '(.ok | not) and (.errors | length == 4) and
	    .errors[0].line == 5' <<<"$output"
}

@test "two for one address are named, and so is what cannot be read" {
	fragment a 1 1 eth0 /dev/x ''
	fragment b 1 1 eth0 /dev/y ''
	run --separate-stderr "$BIN/aoectl" import "$C" "$T/nothing"
	[ "$status" = 1 ]
	[[ $stderr = *"$T/nothing: No such file"* ]]
	[[ $stderr = *'1.1 for every client on eth0 is already in line'* ]]
}
