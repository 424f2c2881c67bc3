#!/usr/bin/env bats
# No symbolic link, neither one that a client pushed nor one that a taken-over
# rsync made, and no filter, leads out of a client's own store.

load helpers
load guard

setup() {
	guard_setup
	mkdir -p "$T/src"
	echo one >"$T/src/one"
	ln -s /etc "$T/src/etc"
	ln -s "$STORE" "$T/src/store"
	push "$T/src/" server:
	as_account mkdir -p "$STORE/zeus.example.net.snaps/2026-01-01T000000Z"
	OTHER=$STORE/zeus.example.net.snaps/2026-01-01T000000Z/secret
	as_account sh -c "echo one >'$OTHER'"
	mkdir "$T/out"
	chown "$ACCOUNT_ID" "$T/out"
}

teardown() {
	run_cleanup
}

# Links as only a program that has taken rsync over could make them.
plant() {
	local s
	s=$SNAPS/$(snapshots | tail -n 1)
	as_account ln -s /etc "$s/real-etc"
	as_account ln -s "$T/out" "$s/real-out"
	as_account ln -s "../../zeus.example.net.snaps" "$s/real-zeus"
	as_account ln -s "$STORE/zeus.example.net.snaps" "$s/real-zeus2"
	as_account ln -s "../$(snapshots | head -n 1)" "$s/real-back"
}

try_all() {
	local l
	for l in etc store; do
		run push "$T/src/one" "server:$CLIENT.full/$l/planted"
		run push "server:$CLIENT.full/$l/passwd" "$T/got"
		[ ! -e "$T/got" ]
	done
	plant
	for l in real-etc real-out real-zeus real-zeus2; do
		run push "$T/src/one" "server:$CLIENT.full/$l/planted"
		run push "server:$CLIENT.full/$l/passwd" "$T/got"
		[ ! -e "$T/got" ]
		run push "server:$CLIENT.full/$l/2026-01-01T000000Z/secret" "$T/got"
		[ ! -e "$T/got" ]
	done
	[ ! -e /etc/planted ]
	[ -z "$(ls "$T/out")" ]
	[ -z "$(find "$STORE" -name planted -path '*zeus*')" ]
}

@test "with a root of its own" {
	try_all
	confined
}

@test "without namespaces" {
	no_namespaces
	try_all
}

@test "a link back into history changes no history" {
	manifest "$SNAPS/$(snapshots)/" >"$T/before"
	push "$T/src/" server:
	plant
	run push "$T/src/one" "server:$CLIENT.full/real-back/planted"
	policy 'way = "linkdest"'
	run push "$T/src/one" "server:$CLIENT.full/real-back/planted"
	manifest "$SNAPS/$(snapshots | head -n 1)/" | cmp "$T/before" -
}

@test "no filter reads another client's file" {
	local f
	for f in "../zeus.example.net.snaps/2026-01-01T000000Z/secret" \
	    "../../zeus.example.net.snaps/2026-01-01T000000Z/secret" "$OTHER"; do
		rm -rf "$T/back"
		# As a list of exclusions it would tell its lines.
		run rsync -e "$RSH" -a -f ":- $f" "server:$CLIENT.full/" "$T/back/"
		[ -e "$T/back/one" ] || [ "$status" != 0 ]
		[ ! -e "$T/back" ] || [ -e "$T/back/one" ]
	done
	# The same rule does work inside.
	echo one >"$T/src/list"
	push "$T/src/" server:
	rm -rf "$T/back"
	rsync -e "$RSH" -a -f ":- list" "server:$CLIENT.full/" "$T/back/"
	[ ! -e "$T/back/one" ]
	[ -e "$T/back/list" ]
}
