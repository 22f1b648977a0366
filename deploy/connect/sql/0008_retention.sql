-- Retention: bodies and columns of an old partition go, its leaf hashes stay (ADR 0010).

set local role aegis_owner;

-- Retire the partition that begins at a sequence. Refuses, and says why, unless of every log in it
--   the newest row is older than `older_than`, and
--   a kept checkpoint covers its last row.
-- Returns how many leaves were retired.
create function aegis.retire_partition(lower bigint, older_than interval) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target regclass := (select p.partition from aegis.audit_partitions p where p.lower = $1);
  rows bigint;
  found record;
begin
  if target is null then
    raise exception 'no partition begins at sequence %; see aegis.audit_partitions', lower;
  elsif older_than is null or older_than < interval '0' then
    raise exception 'older_than must be an age, such as interval ''400 days''';
  end if;
  execute format('lock table %s in share row exclusive mode', target);
  for found in execute format(
    'select log, max(sequence) as last, max(time) as newest from %s group by log order by log',
    target)
  loop
    if found.newest > now() - older_than then
      raise exception '% is kept: its newest row of % is of %', target, found.log, found.newest
        using errcode = 'object_not_in_prerequisite_state';
    elsif not exists (select from aegis.checkpoints c
                      where c.log = found.log and c.keep and c.size > found.last) then
      raise exception '% is kept: no kept checkpoint of % covers leaf %', target, found.log,
        found.last using errcode = 'object_not_in_prerequisite_state';
    end if;
  end loop;
  execute format('insert into aegis.audit_retired (log, sequence, leaf_hash) '
    'select log, sequence, leaf_hash from %s', target);
  get diagnostics rows = row_count;
  if rows = 0 then
    raise exception '% is kept: it is empty', target
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  execute format('alter table aegis.audit_records detach partition %s', target);
  execute format('drop table %s', target);
  return rows;
end $$;

-- Remove checkpoints that are not marked to keep and are older than a week; returns how many.
create function aegis.prune_checkpoints() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  rows bigint;
begin
  delete from aegis.checkpoints where not keep and arrived_at < now() - interval '7 days'
    and (log, size) not in (select c.log, max(c.size) from aegis.checkpoints c group by c.log);
  get diagnostics rows = row_count;
  return rows;
end $$;
grant execute on function aegis.prune_checkpoints() to aegis_keeper;
create index on aegis.checkpoints (arrived_at) where not keep;

-- Let quarantined leaves in that fit now: after the leaf that was missing has arrived, those that
-- were a gap behind it. They stay in quarantine too, as evidence. Returns how many entered.
create function aegis.readmit(log text) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  head aegis.audit_heads;
  entered bigint := 0;
begin
  loop
    select * into head from aegis.audit_heads h where h.log = $1;
    insert into aegis.audit_records (log, sequence, previous_hash, leaf_hash, entry_hash, body, kind,
        time, agent_id, proposal_id, decision_id, status, actor)
      select q.log, q.sequence, q.previous_hash, q.leaf_hash, q.entry_hash, q.body, q.kind, q.time,
        q.agent_id, q.proposal_id, q.decision_id, q.status, q.actor
      from aegis.audit_quarantine q
      where q.log = $1 and q.sequence = head.next_sequence and q.previous_hash = head.entry_hash
        and q.leaf_hash = sha256('\x00'::bytea || q.body)
        and q.entry_hash = sha256(q.previous_hash || q.leaf_hash)
      order by q.id limit 1;
    exit when not found;
    entered := entered + 1;
  end loop;
  return entered;
end $$;
create index on aegis.audit_quarantine (log, sequence);
