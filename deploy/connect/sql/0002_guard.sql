-- The guard: a leaf enters where it continues its log, or it is quarantined (ADR 0010).

set local role aegis_owner;

create function aegis.audit_digest(r aegis.audit_records) returns bytea
language sql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC' set datestyle = 'ISO' set bytea_output = 'hex'
as $$ select sha256(convert_to(r::text, 'UTF8')) $$;

create function aegis.audit_hashes_fit(r aegis.audit_records) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(r.leaf_hash = sha256('\x00'::bytea || r.body)
                  and r.entry_hash = sha256(r.previous_hash || r.leaf_hash), false)
$$;

-- What to do with a leaf that does not simply continue its log: 'accept' the first of a log,
-- drop a 'replay', or the reason to quarantine it. Holds the log's head from here on.
create function aegis.audit_judge(r aegis.audit_records) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  head aegis.audit_heads;
begin
  if r.log is null or r.sequence is null or r.kind is null or r.time is null or r.body is null
     or r.previous_hash is null or r.leaf_hash is null or r.entry_hash is null then
    return 'null';
  end if;
  select * into head from aegis.audit_heads h where h.log = r.log for update;
  if not found and not aegis.audit_hashes_fit(r) then
    return 'hash';
  elsif not found then
    insert into aegis.audit_heads values (r.log, 0, decode(repeat('00', 32), 'hex'))
      on conflict do nothing;
    select * into head from aegis.audit_heads h where h.log = r.log for update;
  end if;
  if r.sequence < head.next_sequence and exists (
       select from aegis.audit_records s
       where s.log = r.log and s.sequence = r.sequence and s is not distinct from r) then
    return 'replay';
  elsif not aegis.audit_hashes_fit(r) then
    return 'hash';
  elsif r.sequence < head.next_sequence then
    -- Of a retired leaf only its hash is left; it names the body.
    return case when exists (
        select from aegis.audit_retired t
        where t.log = r.log and t.sequence = r.sequence and t.leaf_hash = r.leaf_hash)
      then 'replay' else 'rewrite' end;
  elsif r.sequence > head.next_sequence then
    return 'gap';
  elsif r.previous_hash <> head.entry_hash then
    return 'link';
  end if;
  update aegis.audit_heads h set next_sequence = r.sequence + 1, entry_hash = r.entry_hash
    where h.log = r.log;
  return 'accept';
end $$;

create function aegis.audit_guard() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  verdict text;
begin
  -- The common case in one statement: the leaf is what it says and continues the head.
  if new.leaf_hash = sha256('\x00'::bytea || new.body)
     and new.entry_hash = sha256(new.previous_hash || new.leaf_hash)
     and new.kind is not null and new.time is not null then
    update aegis.audit_heads h
      set next_sequence = new.sequence + 1, entry_hash = new.entry_hash
      where h.log = new.log
        and h.next_sequence = new.sequence and h.entry_hash = new.previous_hash;
    if found then
      return new;
    end if;
  end if;
  verdict := aegis.audit_judge(new);
  if verdict = 'accept' then
    return new;
  elsif verdict <> 'replay' then
    insert into aegis.audit_quarantine (log, sequence, previous_hash, leaf_hash, entry_hash, body,
        kind, time, agent_id, proposal_id, decision_id, status, actor, reason, digest)
      values (new.log, new.sequence, new.previous_hash, new.leaf_hash, new.entry_hash, new.body,
        new.kind, new.time, new.agent_id, new.proposal_id, new.decision_id, new.status, new.actor,
        verdict, aegis.audit_digest(new))
      on conflict (digest) do nothing;
  end if;
  return null;
end $$;

create trigger guard before insert on aegis.audit_records
  for each row execute function aegis.audit_guard();

-- What is written stays as it is.
create function aegis.refuse() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '%.%: % is refused, the audit log is append-only',
    tg_table_schema, tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;

create trigger append_only before update or delete on aegis.audit_records
  for each row execute function aegis.refuse();

do $$
declare
  name text;
begin
  foreach name in array array['audit_retired', 'audit_quarantine', 'checkpoint_quarantine'] loop
    execute format('create trigger append_only before update or delete on aegis.%I '
      'for each row execute function aegis.refuse()', name);
  end loop;
  foreach name in array array['audit_records', 'audit_retired', 'audit_quarantine', 'audit_heads',
                              'checkpoints', 'checkpoint_quarantine'] loop
    execute format('create trigger no_truncate before truncate on aegis.%I '
      'for each statement execute function aegis.refuse()', name);
  end loop;
end $$;

-- A head moves forward or stays.
create function aegis.head_moves_forward() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' or new.log <> old.log or new.next_sequence <= old.next_sequence then
    raise exception 'aegis.audit_heads: the head of % only moves forward', old.log
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;

create trigger forward before update or delete on aegis.audit_heads
  for each row execute function aegis.head_moves_forward();
