#!/usr/bin/env bats
# AoEr11 clause by clause: aoed does as each says, and the README's table of
# aoed beside Debian's vblade is what is found.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 1 "${MTU:-9000}"
	# shellcheck source=tests/conform/conform.bash
	. "$BATS_TEST_DIRNAME/../conform/conform.bash"
}

teardown() {
	run_cleanup
}

# in_readme TARGET COLUMN OUTPUT: do its lines stand in the README's table?
in_readme() {
	local number verdict section what seen cell row bad=0
	while IFS=$'\t' read -r number verdict section what seen; do
		case $verdict in
		ok) cell=ok ;;
		na) cell='not there' ;;
		*) cell="**no**: $seen" ;;
		esac
		row=$(grep -F "| $section | $what | " \
		    "$BATS_TEST_DIRNAME/../../README.md") || row=
		if [ "$(echo "$row" | cut -d'|' -f"$2")" != " $cell " ]; then
			echo "$1, clause $number: $cell, README: $row"
			bad=1
		fi
	done <"$3"
	return "$bad"
}

@test "aoed does as every clause says, and the README says so" {
	conform aoed >"$T/aoed"
	[ "$(wc -l <"$T/aoed")" = 88 ]
	run grep -Pv '^\d+\tok\t' "$T/aoed"
	[ "$status" = 1 ]
	in_readme aoed 4 "$T/aoed"
}

@test "it does with small frames too" {
	ip -n "$AOE_NET-1" link set aoe0 mtu 1500
	ip -n "$AOE_NET-s" link set aoe0 mtu 1500
	conform aoed 3 >"$T/aoed"
	grep -q '2 sectors' "$T/aoed"
}

@test "vblade, the reference, is found as the README says" {
	need /usr/sbin/vblade
	[ "$(dpkg-query -W -f '${Version}' vblade)" = 25-1+b1 ] ||
	    skip 'it is another vblade'
	conform vblade 2 3.1 3.2 3.4 >"$T/vblade" 2>/dev/null || true
	[ "$(wc -l <"$T/vblade")" = 74 ]
	in_readme vblade 5 "$T/vblade"
}
