-- What somebody could write who holds the topics: texts that no index takes, characters that no text
-- holds, numbers that no column takes. None of it may fail an insert or an auditor's query (ADR 0010).

set local role aegis_owner;

-- A row without the copies that no index takes (about 2,700 bytes): an identifier has at most 512, and
-- a longer copy is not what the body says.
create function aegis.audit_searchable(r aegis.audit_records) returns aegis.audit_records
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  r.agent_id := case when octet_length(r.agent_id) <= 512 then r.agent_id end;
  r.decision_id := case when octet_length(r.decision_id) <= 512 then r.decision_id end;
  return r;
end $$;

-- As before; and 'long' for a log whose name no index takes. None of ours comes near.
create or replace function aegis.audit_judge(r aegis.audit_records) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  head aegis.audit_heads;
begin
  if r.log is null or r.sequence is null or r.kind is null or r.time is null or r.body is null
     or r.previous_hash is null or r.leaf_hash is null or r.entry_hash is null then
    return 'null';
  elsif octet_length(r.log) > 2000 then
    return 'long';
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
       where s.log = r.log and s.sequence = r.sequence
         and aegis.audit_searchable(s) is not distinct from aegis.audit_searchable(r)) then
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

-- As before; but what enters is searchable.
create or replace function aegis.audit_guard() returns trigger
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
      verdict := 'accept';
    end if;
  end if;
  if verdict is null then
    verdict := aegis.audit_judge(new);
  end if;
  if verdict = 'accept' then
    if greatest(octet_length(new.agent_id), octet_length(new.decision_id)) > 512 then
      return aegis.audit_searchable(new);
    end if;
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

-- Evidence with a long name of its log must find room as well.
drop index aegis.audit_quarantine_log_sequence_idx;
create index on aegis.audit_quarantine (sequence);

-- UTF-8 as text, with the symbol U+2400 for the character NUL, which text cannot hold.
create function aegis.text_with_nul(utf8 bytea) returns text
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select convert_from(decode(replace(
    regexp_replace(encode(utf8, 'hex'), '(..)', '\1 ', 'g'), '00 ', 'e29080 '), 'hex'), 'UTF8')
$$;
grant execute on function aegis.text_with_nul(bytea) to aegis_auditor;

-- As before; but a text with NUL is shown, and an int has 32 bits, so that a view can cast it.
create or replace function aegis.avro_value(type jsonb, body bytea, inout pos integer, out value jsonb)
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  number bigint;
  bytes bytea;
  part jsonb;
  field jsonb;
  items jsonb[] := '{}';
  names text[] := '{}';
begin
  if type in ('"string"', '"bytes"') then
    select * into pos, number from aegis.avro_long(body, pos);
    if number < 0 or pos + number > length(body) then
      raise exception 'a length that leads out of the body' using errcode = 'data_exception';
    end if;
    bytes := substr(body, pos + 1, number::integer);
    value := case
      when type = '"bytes"' then to_jsonb(encode(bytes, 'hex'))
      when position('\x00'::bytea in bytes) = 0 then to_jsonb(convert_from(bytes, 'UTF8'))
      else to_jsonb(aegis.text_with_nul(bytes)) end;
    pos := pos + number;
  elsif type in ('"long"', '"int"') then
    select * into pos, number from aegis.avro_long(body, pos);
    if type = '"int"' and number not between -2147483648 and 2147483647 then
      raise exception 'an int of more than 32 bits' using errcode = 'data_exception';
    end if;
    value := to_jsonb(number);
  elsif type = '"double"' then
    value := to_jsonb(aegis.avro_double(body, pos));
    pos := pos + 8;
  elsif type = '"boolean"' then
    value := to_jsonb(get_byte(body, pos) = 1);
    pos := pos + 1;
  elsif type = '"null"' then
    value := 'null';
  elsif type ? 'enum' then
    select * into pos, number from aegis.avro_long(body, pos);
    value := type -> 'enum' -> number::integer;
  elsif type ? 'fixed' then
    number := (type ->> 'fixed')::integer;
    if pos + number > length(body) then
      raise exception 'a length that leads out of the body' using errcode = 'data_exception';
    end if;
    value := to_jsonb(encode(substr(body, pos + 1, number::integer), 'hex'));
    pos := pos + number;
  elsif type ? 'union' then
    select * into pos, number from aegis.avro_long(body, pos);
    select * into pos, value from aegis.avro_value(type -> 'union' -> number::integer, body, pos);
  elsif type ? 'record' then
    for field in select * from jsonb_array_elements(type -> 'record') loop
      select * into pos, part from aegis.avro_value(field -> 1, body, pos);
      names := names || (field ->> 0);
      items := items || part;
    end loop;
    value := (select coalesce(jsonb_object_agg(n, v), '{}') from unnest(names, items) as f (n, v));
  else
    loop  -- blocks of an array or a map
      select * into pos, number from aegis.avro_long(body, pos);
      exit when number = 0;
      if number < 0 then  -- the size of the block in bytes follows
        pos := (aegis.avro_long(body, pos)).pos;
      end if;
      for i in 1 .. abs(number) loop
        if type ? 'map' then
          select * into pos, part from aegis.avro_value('"string"', body, pos);
          names := names || (part #>> '{}');
        end if;
        select * into pos, part
          from aegis.avro_value(coalesce(type -> 'array', type -> 'map'), body, pos);
        items := items || part;
      end loop;
    end loop;
    value := case when type ? 'map'
      then (select coalesce(jsonb_object_agg(n, v), '{}') from unnest(names, items) as f (n, v))
      else to_jsonb(items) end;
  end if;
  if value is null then
    raise exception 'a symbol or branch that the schema does not have' using errcode = 'data_exception';
  end if;
end $$;

-- Null for a time before the year 1 or after the year 9999.
create or replace function aegis.from_millis(value jsonb) returns timestamptz
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select to_timestamp(t.millis / 1000.0)
  from (select nullif(value #>> '{}', '')::bigint as millis) as t
  where t.millis between -62135596800000 and 253402300799999
$$;
