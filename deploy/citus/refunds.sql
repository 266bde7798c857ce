-- Distributes the tables of refunds over a Citus cluster, by pool and side by side. Harmless to repeat:
-- after a migration it takes in what is new. Written by `make citus`, held to the tables by the tests.

select create_distributed_table('chain_head', 'pool', colocate_with => 'none')
    where not exists (select from pg_dist_partition where logicalrelid = 'chain_head'::regclass);

select create_distributed_table('application', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'application'::regclass);

select create_distributed_table('audit_line', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'audit_line'::regclass);

select create_distributed_table('event', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'event'::regclass);

select create_distributed_table('evidence', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'evidence'::regclass);

select create_distributed_table('evidence_part', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'evidence_part'::regclass);

select create_distributed_table('follow_cursor', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'follow_cursor'::regclass);

select create_distributed_table('idempotency_key', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'idempotency_key'::regclass);

select create_distributed_table('key_walk', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'key_walk'::regclass);

select create_distributed_table('webhook', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'webhook'::regclass);

select create_distributed_table('webhook_delivery', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'webhook_delivery'::regclass);
