#!/usr/bin/env bats
# What real clients send, and what other validators fell to: each command has the
# verdict, and the words that run, that were written down for it.
# tests/guard_corpus.sh records the commands, tests/guard_verdicts.sh the
# verdicts.

load helpers

setup() {
	setup_tmp
	DATA=$BATS_TEST_DIRNAME/data/guard
}

teardown() {
	run_cleanup
}

verdicts_are() {
	"$BATS_TEST_DIRNAME/../guard_verdicts.sh" "$DATA/corpus-$1" >"$T/now"
	[ -s "$T/now" ]
	diff "$DATA/verdicts-$1" "$T/now"
}

@test "rsync 3.5.0" {
	verdicts_are 3.5.0
}

@test "older rsyncs, openrsync, and attacks" {
	verdicts_are others
}

@test "this machine's rsync sends nothing that is not known" {
	need rsync
	"$BATS_TEST_DIRNAME/../guard_corpus.sh" >"$T/corpus"
	[ "$(wc -l <"$T/corpus")" -gt 200 ]
	"$BATS_TEST_DIRNAME/../guard_verdicts.sh" "$T/corpus" >"$T/now"
	run grep -E 'unknown option|no stock client' "$T/now"
	[ -z "$output" ]
}
