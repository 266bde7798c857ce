-- Makes a service's database a cluster; run on its coordinator. Harmless to repeat.
--   psql -v ON_ERROR_STOP=1 -v coordinator=c.example -v workers="w1.example w2.example" -f deploy/citus/nodes.sql "$URL"
select citus_set_coordinator_host(:'coordinator', cast(current_setting('port') as integer));
select citus_add_node(worker, cast(current_setting('port') as integer))
    from regexp_split_to_table(:'workers', '\s+') as worker where worker <> '';
-- The coordinator plans and keeps no shard of its own.
select citus_set_node_property(:'coordinator', cast(current_setting('port') as integer), 'shouldhaveshards', false);
-- `set local lock_timeout` counts on the workers, too.
select format('alter database %I set citus.propagate_set_commands = %L', current_database(), 'local') \gexec
-- Shards are hidden by a function that is called for every row of pg_class. The driver asks there for the types of arrays, once a
-- connection and type, and often while it holds locks: 2 s each time, without this 2 ms. The coordinator has no shards to hide.
select format('alter database %I set citus.override_table_visibility = off', current_database()) \gexec
