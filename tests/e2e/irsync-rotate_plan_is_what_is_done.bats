#!/usr/bin/env bats
# -n prints what the real run then does, and changes nothing itself.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	need jq
	make_days web 40
	make_days db1 40
	make_snapshot db1 "$(days_ago 41)" partial
	cat >"$T/rotate.conf" <<-END
	age = 3
	keep-weekly = 2
	client "db*" { age = 0  keep-daily = 5  keep-monthly = 2 }
	END
}
teardown() { run_cleanup; }

# picture: all that a run could change.
picture() {
	find "$T/root" -printf '%p %y %i %n %m %U %T@ %C@ %l\n' | sort
}

@test "-n changes nothing, and the run does what it said" {
	picture >"$T/before"
	rotate -n --json >"$T/plan"
	picture >"$T/after"
	cmp "$T/before" "$T/after"

	jq -r '.clients[] | .client as $c | .snapshots[] |
	    select(.keep) | "\($c) \(.stamp)"' "$T/plan" >"$T/planned"
	rotate --json >"$T/run"
	for c in db1 web; do
		snapshots $c | sed "s/^/$c /"
	done >"$T/left"
	diff "$T/planned" "$T/left"

	# The same verdicts for the same reasons.
	for f in plan run; do
		jq '[.clients[] | [.client, (.snapshots[] |
		    [.stamp, .keep, .reason, .status])]]' "$T/$f" >"$T/$f.why"
	done
	cmp "$T/plan.why" "$T/run.why"
	[ "$(jq '[.clients[].removed] | add' "$T/run")" = \
	    "$(jq '[.clients[].dropped] | add' "$T/plan")" ]
	[ "$(jq '[.clients[].snapshots[] | select(.outcome == "removed")] |
	    length' "$T/run")" -gt 40 ]
}

@test "a second run finds nothing to do" {
	rotate
	picture >"$T/before"
	run rotate
	[ "$status" = 0 ]
	[[ $output == *", 0 removed"* ]]
	picture | cmp "$T/before"
}

@test "what -n says would be free is what the files take whose last link goes" {
	rm -rf "$T"/root/*
	echo 'keep-last = 1' >"$T/rotate.conf"
	make_snapshot web "$(days_ago 20)"
	make_snapshot web "$(days_ago 0)"
	old=$T/root/web.snaps/$(days_ago 20)
	new=$T/root/web.snaps/$(days_ago 0)
	head -c 1000000 /dev/urandom >"$old/only there"
	ln "$old/only there" "$old/twice there"
	head -c 3000000 /dev/urandom >"$old/shared"
	ln "$old/shared" "$new/shared"
	rotate -n --json >"$T/plan"
	# du(1) counts each file once; the shared one does not go.
	want=$(du -s --block-size=1 "$old" | cut -f 1)
	want=$((want - $(du --block-size=1 "$old/shared" | cut -f 1)))
	[ "$(jq '.clients[0].freed' "$T/plan")" = "$want" ]
	[ "$(jq '.clients[0].at_least' "$T/plan")" = false ]
}

@test "the table gives each snapshot's verdict and reason" {
	run rotate -n
	[ "$status" = 0 ]
	grep -E "^web: [0-9]+ kept, [0-9]+ to go, .* would be free$" <<<"$output"
	grep -E "^  keep +$(days_ago 0) .* complete +newest complete, age 3 d, keep-weekly 1/2$" <<<"$output"
	grep -E "^  drop +$(days_ago 41) .* partial +(past every rule|keep-monthly keeps .* instead)$" <<<"$output"
	grep -E "^2 clients: " <<<"$output"
	# Whose rules are these?
	echo 'client "wbe" { keep-yearly = 9 }' >>"$T/rotate.conf"
	run rotate -n
	[ "$status" = 1 ]
	[[ $output == *"section 'wbe': no such client in $T/root"* ]]
}
