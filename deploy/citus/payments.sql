-- Distributes the tables of payments over a Citus cluster, by pool and side by side. Harmless to repeat:
-- after a migration it takes in what is new. Written by `make citus`, held to the tables by the tests.

select create_distributed_table('chain_head', 'pool', colocate_with => 'none')
    where not exists (select from pg_dist_partition where logicalrelid = 'chain_head'::regclass);

select create_distributed_table('agent_device', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'agent_device'::regclass);

select create_distributed_table('agreement', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'agreement'::regclass);

select create_distributed_table('audit_line', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'audit_line'::regclass);

select create_distributed_table('bill', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'bill'::regclass);

select create_distributed_table('channel_file', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'channel_file'::regclass);

select create_distributed_table('channel_message', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'channel_message'::regclass);

select create_distributed_table('claim_receipt', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'claim_receipt'::regclass);

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

select create_distributed_table('ledger', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'ledger'::regclass);

select create_distributed_table('pos_terminal', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'pos_terminal'::regclass);

select create_distributed_table('receipt_block', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'receipt_block'::regclass);

select create_distributed_table('receipt_book', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'receipt_book'::regclass);

select create_distributed_table('receipt_proof', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'receipt_proof'::regclass);

select create_distributed_table('receipt_segment', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'receipt_segment'::regclass);

select create_distributed_table('receipt_stock', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'receipt_stock'::regclass);

select create_distributed_table('refund_account', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'refund_account'::regclass);

select create_distributed_table('refund_package', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'refund_package'::regclass);

select create_distributed_table('settlement', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'settlement'::regclass);

select create_distributed_table('settlement_turn', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'settlement_turn'::regclass);

select create_distributed_table('shift', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'shift'::regclass);

select create_distributed_table('submission', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'submission'::regclass);

select create_distributed_table('tax_batch', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'tax_batch'::regclass);

select create_distributed_table('tax_conflict', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'tax_conflict'::regclass);

select create_distributed_table('tax_cursor', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'tax_cursor'::regclass);

select create_distributed_table('tax_event', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'tax_event'::regclass);

select create_distributed_table('tax_nonce', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'tax_nonce'::regclass);

select create_distributed_table('transfer', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'transfer'::regclass);

select create_distributed_table('treasury_counter', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'treasury_counter'::regclass);

select create_distributed_table('treasury_package', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'treasury_package'::regclass);

select create_distributed_table('treasury_remitted', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'treasury_remitted'::regclass);

select create_distributed_table('treasury_voucher', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'treasury_voucher'::regclass);

select create_distributed_table('webhook', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'webhook'::regclass);

select create_distributed_table('webhook_delivery', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'webhook_delivery'::regclass);

select create_distributed_table('agreement_person', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'agreement_person'::regclass);

select create_distributed_table('bank_check', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'bank_check'::regclass);

select create_distributed_table('collection', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'collection'::regclass);

select create_distributed_table('ledger_batch', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'ledger_batch'::regclass);

select create_distributed_table('pos_sale', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'pos_sale'::regclass);

select create_distributed_table('receipt_unissued', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'receipt_unissued'::regclass);

select create_distributed_table('remittance', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'remittance'::regclass);

select create_distributed_table('statement', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'statement'::regclass);

select create_distributed_table('tax_batch_line', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'tax_batch_line'::regclass);

select create_distributed_table('treasury_part', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'treasury_part'::regclass);

select create_distributed_table('withholding', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'withholding'::regclass);

select create_distributed_table('bank_journal', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'bank_journal'::regclass);

select create_distributed_table('channel_order', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'channel_order'::regclass);

select create_distributed_table('collection_voucher', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'collection_voucher'::regclass);

select create_distributed_table('ledger_batch_line', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'ledger_batch_line'::regclass);

select create_distributed_table('ledger_line', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'ledger_line'::regclass);

select create_distributed_table('receipt', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'receipt'::regclass);

select create_distributed_table('refund', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'refund'::regclass);

select create_distributed_table('remittance_part', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'remittance_part'::regclass);

select create_distributed_table('remittance_receipt', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'remittance_receipt'::regclass);

select create_distributed_table('remittance_shift', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'remittance_shift'::regclass);

select create_distributed_table('statement_row', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'statement_row'::regclass);

select create_distributed_table('tax_certificate', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'tax_certificate'::regclass);

select create_distributed_table('treasury_row', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'treasury_row'::regclass);

select create_distributed_table('withholding_line', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'withholding_line'::regclass);

select create_distributed_table('withholding_return', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'withholding_return'::regclass);

select create_distributed_table('receipt_cancellation', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'receipt_cancellation'::regclass);

select create_distributed_table('red_receipt', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'red_receipt'::regclass);

select create_distributed_table('refund_package_item', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'refund_package_item'::regclass);

select create_distributed_table('settlement_line', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'settlement_line'::regclass);

select create_distributed_table('statement_break', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'statement_break'::regclass);

select create_distributed_table('statement_match', 'pool', colocate_with => 'chain_head')
    where not exists (select from pg_dist_partition where logicalrelid = 'statement_match'::regclass);
