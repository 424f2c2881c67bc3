#!/usr/bin/env bats
# usage: real sizes are what du(1) counts; a walk is made once and remembered; the
# page stands by itself, whatever its texts hold.

load helpers
load rotate_helpers
setup() {
	rotate_setup
	need jq du
	local i first=
	for i in 3 2 1 0; do
		make_snapshot web "$(days_ago $i)"
		head -c 200K /dev/urandom >"$T/root/web.snaps/$(days_ago $i)/own"
		if [ -z "$first" ]; then
			first=$T/root/web.snaps/$(days_ago $i)
			head -c 1M /dev/urandom >"$first/shared"
		else
			ln "$first/shared" "$T/root/web.snaps/$(days_ago $i)/shared"
		fi
	done
	ln -s "web.snaps/$(days_ago 0)" "$T/root/web.full"
	sync -f "$T/root"
}
teardown() { run_cleanup; }

usage() { "$BIN/irsync-rotate" usage -f "$T/rotate.conf" "$@" "$T/root"; }

du_of() { (cd "$T/root/web.snaps" && du -s --block-size=1 -c -- "$@") | tail -n 1 | cut -f 1; }

@test "real sizes are du's, and the oldest frees what nobody else has" {
	usage --json >"$T/u"
	all=$(cd "$T/root/web.snaps" && du -c -s --block-size=1 2* | tail -n 1 | cut -f 1)
	[ "$(jq '.clients[0].real' "$T/u")" = "$all" ]
	rest=$(du_of "$(days_ago 0)" "$(days_ago 1)" "$(days_ago 2)")
	[ "$(jq '.clients[0].oldest_frees' "$T/u")" = $((all - rest)) ]
	[ "$(jq '.clients[0].exact' "$T/u")" = true ]
}

@test "a walk is remembered until a snapshot in the middle goes" {
	usage --json >"$T/first"
	real=$(jq '.clients[0].real' "$T/first")
	# Nobody would notice that this file has grown.
	head -c 500K /dev/urandom >>"$T/root/web.snaps/$(days_ago 0)/own"
	[ "$(usage --json | jq '.clients[0].real')" = "$real" ]
	[ "$(usage --walk --json | jq '.clients[0].real')" -gt "$real" ]
	# One more: by its record, and said to be an estimate.
	real=$(usage --json | jq '.clients[0].real')
	make_snapshot web "$(stamp "$THIS_HOUR 1 hour")"
	usage --json >"$T/more"
	[ "$(jq '.clients[0].real' "$T/more")" = $((real + 16384)) ]
	[ "$(jq '.clients[0].exact' "$T/more")" = false ]
	# The oldest goes with its share; then one in the middle.
	rm -r "$T/root/web.snaps/$(stamp "$THIS_HOUR 1 hour")"
	rm -r "$T/root/web.snaps/$(days_ago 3)"
	usage --json >"$T/less"
	[ "$(jq '.clients[0] | [.exact, .real]' -c "$T/less")" = \
	    "[true,$((real - $(jq '.clients[0].oldest_frees' "$T/more")))]" ]
	rm -r "$T/root/web.snaps/$(days_ago 1)"
	[ "$(usage --json | jq '.clients[0].real')" = "$(du_of "$(days_ago 0)" "$(days_ago 2)")" ]
}

@test "growth is what the walks have seen, and says when the disk is full" {
	local memory=$T/root/web.snaps/.usage.json i
	usage --json >/dev/null
	jq -c '.time as $t | .history[0][1] as $b | .history =
	    [[$t - 864000, $b + 10], [$t - 432000, $b - 1000000], [$t, $b]]' \
	    "$memory" >"$T/memory"
	cp "$T/memory" "$memory"
	usage --json >"$T/u"
	jq -e '.clients[0] | .per_day == -1 and .per_day_from == "history"' "$T/u"
	jq -e '.per_day == -1 and .days_left == null' "$T/u"
	jq -c '.history |= .[1:]' "$T/memory" >"$memory"
	usage --json >"$T/u"
	jq -e '.per_day == 200000 and
	    .days_left == (.free / 200000 | floor)' "$T/u"
	# What a store remembers of itself may be anything.
	for i in {1..17}; do
		make_record "c$i" 2026-01-01T000000Z
		mkdir "$T/root/c$i.snaps/2026-01-01T000000Z"
		cat >"$T/root/c$i.snaps/.usage.json" <<-END
		{"version": 1, "time": 1, "snapshots": [["2026-01-01T000000Z", 0]],
		 "history": [[$(($(date +%s) - 172800)), 0],
		 [$(date +%s), 1152921504606846976]]}
		END
	done
	usage --json >"$T/u"
	jq -e '.per_day > 9e18 and .days_left == 0' "$T/u"
	usage | grep ', full within a day$'
}

@test "a damaged memory is walked anew" {
	real=$(usage --json | jq '.clients[0].real')
	for text in '' '{' '{"version": 1, "time": 1, "snapshots": [["x", 1]], "history": []}'; do
		echo "$text" >"$T/root/web.snaps/.usage.json"
		[ "$(usage --json | jq '.clients[0].real')" = "$real" ]
	done
}

@test "the table has a line for each client, and bars on a terminal only" {
	usage >"$T/out"
	grep -E '^web +4 .* MiB ' "$T/out"
	run grep -F '####' "$T/out"
	[ "$status" = 1 ]
	need script
	TERM=xterm script -qec "stty cols 140; '$BIN/irsync-rotate' usage -f '$T/rotate.conf' '$T/root'" \
	    /dev/null </dev/null | grep -E '^web .*#{10}'
}

@test "the page stands by itself and escapes what it shows" {
	need python3
	mv "$T/root" "$T/<img src=x onerror=alert(1)>&\"'"
	ln -s "$T/<img src=x onerror=alert(1)>&\"'" "$T/root"
	"$BIN/irsync-rotate" usage -f "$T/rotate.conf" --html "$T/page.html" \
	    "$T/<img src=x onerror=alert(1)>&\"'"
	run grep -Ei '<img|<script|src=["h]|https?://|@import|url\(' "$T/page.html"
	[ "$status" = 1 ] || { echo "$output"; false; }
	grep -Fq '&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;' "$T/page.html"
	python3 - "$T/page.html" <<-'PY'
	import html.parser, sys
	void = {"meta", "br", "path", "circle"}
	stack = []
	class P(html.parser.HTMLParser):
	    def handle_starttag(self, tag, attrs):
	        if tag not in void: stack.append(tag)
	    def handle_startendtag(self, tag, attrs): pass
	    def handle_endtag(self, tag):
	        assert stack.pop() == tag, (tag, self.getpos())
	p = P(); p.feed(open(sys.argv[1]).read()); p.close()
	assert stack == [], stack
	PY
}

@test "no clients, and two hundred" {
	rm -rf "$T"/root/*
	usage | grep '^0 clients; '
	usage --html - | grep -q 'No client has pushed anything yet'
	[ "$(usage --json | jq '.clients | length')" = 0 ]
	for i in {1..200}; do
		make_record "c$i" 2026-01-01T000000Z &
		mkdir -p "$T/root/c$i.snaps/2026-01-01T000000Z"
	done
	wait
	usage --html "$T/page.html"
	[ "$(grep -c '<section>' "$T/page.html")" = 200 ]
	[ "$(usage --json | jq '.clients | length')" = 200 ]
}
