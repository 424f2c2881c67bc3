#!/usr/bin/env bats
# Reloads, stops, starts and garbage, all at once and as fast as they go, lose
# and disorder nothing of an export that they do not name.

load helpers
load aoenet

setup() {
	setup_tmp
	aoe_net 3
	truncate -s 4M "$T/one" "$T/two" "$T/three"
	echo "0 $T/one $(client_mac 1) aoe0 one" >"$T/table.0"
	cat - "$T/table.0" >"$T/table.1" <<-TABLE
	0 $T/two   $(client_mac 2) aoe0 two sync=none
	0 $T/three $(client_mac 3) aoe0 three
	TABLE
	cat - "$T/table.0" >"$T/table.2" <<-TABLE
	0 $T/two   $(client_mac 2)   aoe0 two
	5 $T/three FF:FF:FF:FF:FF:FF aoe0 three ro
	TABLE
	cp "$T/table.1" "$T/aoed.conf"
}

teardown() {
	run_cleanup
}

# again COMMAND...: until the test says that it is enough.
again() {
	while [ ! -e "$T/enough" ]; do
		"$@" >/dev/null 2>&1 || true
	done
}

other_table() {
	cp "$T/table.$((RANDOM % 3))" "$T/new"
	mv "$T/new" "$T/aoed.conf"
	aoectl reload
}

garbage() {
	client 3 "$TOOLS/aoegarbage" -i aoe0 -d "$SERVER_MAC" 1000 "$RANDOM" \
	    <"$BATS_TEST_DIRNAME/data/aoe_requests.hex"
}

@test "an export is undisturbed by what is done to others" {
	start_aoed "$T/aoed.conf" -j 3
	jobs=()
	again other_table & jobs+=($!)
	again aoectl restart two & jobs+=($!)
	again aoectl stop three & jobs+=($!)
	again aoectl start three & jobs+=($!)
	again aoectl --json status & jobs+=($!)
	again garbage & jobs+=($!)
	client 1 "$TOOLS/aoeorder" -i aoe0 0.0 1000 "$RANDOM" >"$T/order" ||
	    cat "$T/order"
	: >"$T/enough"
	wait "${jobs[@]}"
	grep -q '^1000 rounds: 1000 good' "$T/order"
	cp "$T/table.1" "$T/aoed.conf"
	aoectl reload
	aoectl start
	# The garbage may have made lists that shut them out.
	aoectl disconnect two three
	aoe 2 identify 0.0 | grep -q sectors
	aoe 3 identify 0.0 | grep -q sectors
	stop_aoed
	run grep -E 'ERROR: AddressSanitizer|runtime error' "$T/aoed.log"
	[ "$status" = 1 ]
}
