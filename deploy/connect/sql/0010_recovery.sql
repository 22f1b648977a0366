-- After a recovery: quarantined leaves that arrived after all, and two roots for one size (ADR 0010).

set local role aegis_owner;

-- Whether the very same leaf is stored by now, but for copies that are too long to be stored. Of a
-- retired one only its hash is left; it names the body.
create function aegis.audit_stored(q aegis.audit_quarantine) returns boolean
language sql stable
as $$
  select exists (
      select from aegis.audit_records r
      where r.log = q.log and r.sequence = q.sequence
        and aegis.audit_searchable(r) is not distinct from aegis.audit_searchable(row(q.log,
          q.sequence, q.previous_hash, q.leaf_hash, q.entry_hash, q.body, q.kind, q.time,
          q.agent_id, q.proposal_id, q.decision_id, q.status, q.actor)::aegis.audit_records))
    or exists (
      select from aegis.audit_retired t
      where t.log = q.log and t.sequence = q.sequence
        and t.leaf_hash = pg_catalog.sha256('\x00'::bytea || q.body))
$$;
grant execute on function aegis.audit_searchable(aegis.audit_records),
  aegis.audit_stored(aegis.audit_quarantine) to aegis_auditor;

create or replace view aegis.quarantine as
  select 'audit_records' as "table", q.id, q.log, q.sequence as place, q.reason, q.arrived_at,
         q.kind, q.agent_id, q.decision_id, aegis.audit_stored(q) as resolved
  from aegis.audit_quarantine q
  union all
  select 'checkpoints', c.id, c.log, c.size, c.reason, c.arrived_at, null, null, null, false
  from aegis.checkpoint_quarantine c;

-- What is stored does not change, so each quarantined leaf is compared once, when the log has
-- reached its place. However many there are, a round of the keeper costs little.
create table aegis.audit_refusals (
  id       bigint primary key references aegis.audit_quarantine (id),
  log      text,
  sequence bigint,
  reason   text   not null,
  stored   boolean
);
comment on table aegis.audit_refusals is
  'A line per quarantined leaf, for counting (without a name of its log that no index takes): stored is null until the log has reached its place, then whether the very same leaf is stored there. No evidence: aegis fsck compares anew.';
create index on aegis.audit_refusals (log, sequence) where stored is null;

create function aegis.audit_refused() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into aegis.audit_refusals (id, log, sequence, reason)
    values (new.id, case when octet_length(new.log) <= 2000 then new.log end, new.sequence, new.reason);
  return null;
end $$;

create trigger refused after insert on aegis.audit_quarantine
  for each row execute function aegis.audit_refused();

insert into aegis.audit_refusals (id, log, sequence, reason)
  select q.id, case when octet_length(q.log) <= 2000 then q.log end, q.sequence, q.reason
  from aegis.audit_quarantine q;

-- Compare quarantined leaves whose places the logs have reached; returns how many. A part at a time.
create function aegis.settle_quarantine() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  rows bigint;
begin
  update aegis.audit_refusals f set stored = aegis.audit_stored(q)
    from aegis.audit_quarantine q
    where q.id = f.id and f.id in (
      select w.id from aegis.audit_heads h
      join aegis.audit_refusals w on w.log = h.log and w.sequence < h.next_sequence
      where w.stored is null
      limit 20000);
  get diagnostics rows = row_count;
  return rows;
end $$;
grant execute on function aegis.settle_quarantine() to aegis_keeper;

-- A second root for a size: both notes are stored, and it is told. The guard knows no signatures, so
-- it cannot say which of the two is true: whoever comes first must not keep the other out. 'long' is as
-- in aegis.audit_judge.
create or replace function aegis.checkpoint_judge(c aegis.checkpoints) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if c.log is null or c.size is null or c.note is null or c.keep is null then
    return 'null';
  elsif octet_length(c.log) > 2000 then
    return 'long';
  elsif c.root = ''::bytea then
    return 'copy';
  elsif length(c.root) is distinct from 32 then
    return 'malformed';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('aegis.checkpoints ' || c.log, 0));
  if exists (select from aegis.checkpoints s
             where s.log = c.log and s.size = c.size and s.note_sha256 = c.note_sha256) then
    return 'replay';
  elsif exists (select from aegis.checkpoints s
                where s.log = c.log and s.size = c.size and s.root <> c.root) then
    return 'split';
  end if;
  return 'accept';
end $$;

create or replace function aegis.checkpoint_guard() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  verdict text;
begin
  new.note_sha256 := sha256(new.note);
  new.arrived_at := now();
  begin
    new.root := aegis.checkpoint_root(new.note, new.log, new.size);
  exception when data_exception then
    new.root := null;
  end;
  verdict := aegis.checkpoint_judge(new);
  if verdict not in ('accept', 'replay') then
    insert into aegis.checkpoint_quarantine (log, size, note, keep, reason, digest)
      values (new.log, new.size, new.note, new.keep, verdict, sha256(convert_to(
        row(new.log, new.size, encode(new.note, 'hex'), new.keep)::text, 'UTF8')))
      on conflict (digest) do nothing;
  end if;
  if verdict in ('accept', 'split') then
    return new;
  end if;
  return null;
end $$;

comment on table aegis.checkpoints is
  'Signed tree heads: every distinct note. Several notes for one size have one root, or it is told as split in checkpoint_quarantine.';
comment on table aegis.checkpoint_quarantine is
  'Checkpoints refused: copy (columns differ from the note), malformed (no checkpoint), null (a needed field is missing); and split (another root for the size stands already), which is stored all the same.';

-- Those that an earlier guard kept out.
insert into aegis.checkpoints (log, size, note, keep)
  select q.log, q.size, q.note, q.keep from aegis.checkpoint_quarantine q
  where q.reason = 'split' order by q.id;

-- Remove checkpoints that are not marked to keep and are older than a week; returns how many. The
-- newest of each log stays, and so do both sides of a split: they are the evidence.
create or replace function aegis.prune_checkpoints() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  rows bigint;
begin
  delete from aegis.checkpoints c
    where not c.keep and c.arrived_at < now() - interval '7 days'
      and (c.log, c.size) not in (select m.log, max(m.size) from aegis.checkpoints m group by m.log)
      and not exists (select from aegis.checkpoint_quarantine q
                      where q.log = c.log and q.size = c.size and q.reason = 'split');
  get diagnostics rows = row_count;
  return rows;
end $$;
create index on aegis.checkpoint_quarantine (log, size) where reason = 'split';
