#!/bin/bash
# A one-shot job before the migrations, harmless to repeat: a database for each service, and a role of its own that owns
# it, so that no service can read another's. Passwords come from the environment (<SERVICE>_PASSWORD, POSTGRES_PASSWORD).
set -euo pipefail
export PGHOST=postgres PGUSER=postgres PGPASSWORD=$POSTGRES_PASSWORD
for service in eligibility registration payments refunds; do
  password="${service^^}_PASSWORD"
  psql -X -q -v ON_ERROR_STOP=1 -d postgres -v service="$service" -v password="${!password}" <<'SQL'
select not exists (select from pg_roles where rolname = :'service') as is_new \gset
\if :is_new
create role :"service";
\endif
alter role :"service" login password :'password';
select not exists (select from pg_database where datname = :'service') as is_new \gset
\if :is_new
-- Sorted byte by byte, as in every other Postgres of ours, whatever the image's locale is.
create database :"service" owner :"service" template template0 encoding 'UTF8' locale 'C';
revoke connect on database :"service" from public;
\endif
SQL
done
