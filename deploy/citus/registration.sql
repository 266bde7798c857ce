-- Distributes the tables of registration over a Citus cluster, by pool and side by side. Harmless to repeat:
-- after a migration it takes in what is new. Written by `make citus`, held to the tables by the tests.

select create_distributed_table('chain_head', 'pool', colocate_with => 'none')
    where not exists (select from pg_dist_partition where logicalrelid = 'chain_head'::regclass);

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

select create_distributed_table('package_version', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'package_version'::regclass);

select create_distributed_table('person_alias', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'person_alias'::regclass);

select create_distributed_table('unit', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'unit'::regclass);

select create_distributed_table('webhook', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'webhook'::regclass);

select create_distributed_table('webhook_delivery', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'webhook_delivery'::regclass);

select create_distributed_table('package_run', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'package_run'::regclass);

select create_distributed_table('refusal', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'refusal'::regclass);

select create_distributed_table('roster', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'roster'::regclass);

select create_distributed_table('enrolment', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'enrolment'::regclass);

select create_distributed_table('package_run_change', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'package_run_change'::regclass);

select create_distributed_table('package_run_refusal', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'package_run_refusal'::regclass);

select create_distributed_table('package_run_sum', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'package_run_sum'::regclass);

select create_distributed_table('assessment', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'assessment'::regclass);

select create_distributed_table('cover', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'cover'::regclass);

select create_distributed_table('roster_row', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'roster_row'::regclass);

select create_distributed_table('assessment_line', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'assessment_line'::regclass);

select create_distributed_table('status_case', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'status_case'::regclass);
