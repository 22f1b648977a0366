-- Roles and tables. Shapes are a contract (ADR 0010): the connector maps the fields of
-- schemas/avro/AuditEntry.avsc and Checkpoint.avsc to columns of the same names.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['aegis_owner', 'aegis_sink', 'aegis_auditor'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      execute format('create role %I nologin', wanted);
    end if;
  end loop;
end $$;

create schema aegis authorization aegis_owner;
set local role aegis_owner;

create table aegis.audit_records (
  log           text        not null,
  sequence      bigint      not null,
  previous_hash bytea       not null,
  leaf_hash     bytea       not null,
  entry_hash    bytea       not null,
  body          bytea       not null,
  kind          text        not null,
  time          timestamptz not null,
  agent_id      text,
  proposal_id   text,
  decision_id   text,
  status        text,
  actor         text,
  primary key (log, sequence)
) partition by range (sequence);
comment on table aegis.audit_records is
  'The leaves of every log, byte for byte. body and the hashes are what counts; the columns after them are copies for searching.';

create index on aegis.audit_records (decision_id) where decision_id is not null;
create index on aegis.audit_records (agent_id, time) where agent_id is not null;
create index on aegis.audit_records using brin (time);

create table aegis.audit_heads (
  log           text   primary key,
  next_sequence bigint not null,
  entry_hash    bytea  not null
) with (fillfactor = 10);
comment on table aegis.audit_heads is
  'Where each log continues: the position of the guard. Written by the guard alone.';

create table aegis.audit_retired (
  log       text   not null,
  sequence  bigint not null,
  leaf_hash bytea  not null,
  primary key (log, sequence)
);
comment on table aegis.audit_retired is
  'Leaf hashes of retired partitions, kept for good: chain and tree stay checkable over them.';

create table aegis.audit_quarantine (
  id            bigint generated always as identity primary key,
  log           text,
  sequence      bigint,
  previous_hash bytea,
  leaf_hash     bytea,
  entry_hash    bytea,
  body          bytea,
  kind          text,
  time          timestamptz,
  agent_id      text,
  proposal_id   text,
  decision_id   text,
  status        text,
  actor         text,
  reason        text        not null,
  arrived_at    timestamptz not null default now(),
  digest        bytea       not null unique
);
comment on table aegis.audit_quarantine is
  'What the guard refused, as it arrived: hash (it does not hash to what it says), gap (a leaf before it is missing), link (it does not continue the leaf before it), rewrite (another leaf holds its place), null (a needed field is missing).';

create table aegis.checkpoints (
  log         text        not null,
  size        bigint      not null,
  note        bytea       not null,
  keep        boolean     not null,
  root        bytea       not null,
  note_sha256 bytea       not null,
  arrived_at  timestamptz not null default now(),
  primary key (log, size, note_sha256)
);
comment on table aegis.checkpoints is
  'Signed tree heads: every distinct note. Several notes for one size have one root; another root is in checkpoint_quarantine.';

create table aegis.checkpoint_quarantine (
  id         bigint generated always as identity primary key,
  log        text,
  size       bigint,
  note       bytea,
  keep       boolean,
  reason     text        not null,
  arrived_at timestamptz not null default now(),
  digest     bytea       not null unique
);
comment on table aegis.checkpoint_quarantine is
  'Checkpoints refused: split (another root for the size), copy (columns differ from the note), malformed (no checkpoint), null (a needed field is missing).';

-- The sink inserts, the auditor reads, nobody else does anything.
revoke all on schema aegis from public;
grant usage on schema aegis to aegis_sink, aegis_auditor;
grant insert on aegis.audit_records, aegis.checkpoints to aegis_sink;
grant select on all tables in schema aegis to aegis_auditor;
alter default privileges in schema aegis grant select on tables to aegis_auditor;
alter default privileges revoke execute on functions from public;
