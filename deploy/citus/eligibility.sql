-- Distributes the tables of eligibility over a Citus cluster, by pool and side by side. Harmless to repeat:
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

select create_distributed_table('number_turn', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'number_turn'::regclass);

select create_distributed_table('person', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'person'::regclass);

select create_distributed_table('supplier', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'supplier'::regclass);

select create_distributed_table('supplier_key', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'supplier_key'::regclass);

select create_distributed_table('supplier_nonce', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'supplier_nonce'::regclass);

select create_distributed_table('webhook', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'webhook'::regclass);

select create_distributed_table('webhook_delivery', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'webhook_delivery'::regclass);

select create_distributed_table('feed', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'feed'::regclass);

select create_distributed_table('identity_document', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'identity_document'::regclass);

select create_distributed_table('match_case', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'match_case'::regclass);

select create_distributed_table('person_erasure', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'person_erasure'::regclass);

select create_distributed_table('person_merge', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'person_merge'::regclass);

select create_distributed_table('feed_rejection', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'feed_rejection'::regclass);

select create_distributed_table('hukou', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'hukou'::regclass);

select create_distributed_table('person_alias', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'person_alias'::regclass);

select create_distributed_table('status', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'status'::regclass);

select create_distributed_table('status_claim', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'status_claim'::regclass);

select create_distributed_table('tie_claim', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'tie_claim'::regclass);
