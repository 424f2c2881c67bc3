#!/usr/bin/env bats
# A real PostgreSQL server, dumped whole.

load helpers
load irsync_helpers

setup() {
	PGBIN=$(echo /usr/lib/postgresql/*/bin | tail -n 1)
	PATH=$PATH:$PGBIN
	need initdb pg_ctl pg_dump psql
	id postgres >/dev/null 2>&1 || skip 'there is no account postgres'
	setup_tmp
	mkdir "$T/src" "$T/pg"
	echo x >"$T/src/file"
	chown postgres "$T/pg"
	as_postgres "$PGBIN/initdb" -D "$T/pg/data" -E UTF8 --locale=C \
	    --auth=trust --no-sync >"$T/init.log"
	as_postgres "$PGBIN/postgres" -D "$T/pg/data" -k "$T/pg" -h '' \
	    -c fsync=off >"$T/pg.log" 2>&1 3>&- &
	on_exit kill_now $!
	wait_until 30 sql -c 'SELECT 1'
	sql -c 'CREATE DATABASE shop' -c 'CREATE ROLE clerk' \
	    -c 'CREATE DATABASE "odd=name /x"'
	sql -d shop -c "CREATE TABLE orders (id int, what text);
	    INSERT INTO orders VALUES (1, 'tea'), (2, E'a\nb')"
	irsync_conf_local "$T/src"
	printf 'postgresql {\n\toptions = { "--host=%s" }\n}\n' "$T/pg" \
	    >>"$CONF"
	DUMPS=$T/state/client.example.net.dumps/postgresql
}
teardown() { run_cleanup; }

as_postgres() {
	(cd / && setpriv --reuid postgres --regid postgres --init-groups "$@")
}

sql() { psql -h "$T/pg" -U postgres -XAtq -d postgres "$@"; }

@test "each database whole, and what has not changed costs nothing" {
	irsync backup
	first=$(newest)
	irsync backup
	cd "$T/store/client.example.net.snaps"
	for d in shop odd%3Dname%20%2Fx postgres +globals; do
		[ "$first/$DUMPS/$d/dump.sql" -ef \
		    "$(newest)/$DUMPS/$d/dump.sql" ]
	done
	grep -q 'CREATE ROLE clerk' "$DUMPS/+globals/dump.sql"
	sql -c 'CREATE DATABASE back'
	psql -h "$T/pg" -U postgres -Xq -d back -f "$DUMPS/shop/dump.sql"
	[ "$(sql -d back -c 'SELECT count(*) FROM orders')" = 2 ]
	# The server goes: the snapshot says what it has not.
	run -0 irsync backup
	sed -i "s|--host=$T/pg|--host=$T/nowhere|" "$CONF"
	run -23 irsync backup
	[[ $output == *"postgresql all: not dumped: "* ]]
	grep -q '^postgresql all: ' "$(newest)/$DUMPS/../MISSING"
	[ ! -e "$(newest)/$DUMPS/shop" ]
}
