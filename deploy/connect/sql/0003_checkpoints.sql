-- The guard of the checkpoints: one root per log and size; a second one is evidence (ADR 0010).

set local role aegis_owner;

-- Root of a C2SP checkpoint whose first two lines name this log and size.
create function aegis.checkpoint_root(note bytea, log text, size bigint) returns bytea
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
declare
  lines text[] := string_to_array(convert_from(note, 'UTF8'), e'\n');
begin
  if lines[1] <> log or lines[2] <> size::text then
    return ''::bytea;
  end if;
  return decode(lines[3], 'base64');
end $$;

create function aegis.checkpoint_judge(c aegis.checkpoints) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if c.log is null or c.size is null or c.note is null or c.keep is null then
    return 'null';
  elsif c.root = ''::bytea then
    return 'copy';
  elsif length(c.root) is distinct from 32 then
    return 'malformed';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('aegis.checkpoints ' || c.log, 0));
  if exists (select from aegis.checkpoints s
             where s.log = c.log and s.size = c.size and s.root <> c.root) then
    return 'split';
  elsif exists (select from aegis.checkpoints s
                where s.log = c.log and s.size = c.size and s.note_sha256 = c.note_sha256) then
    return 'replay';
  end if;
  return 'accept';
end $$;

create function aegis.checkpoint_guard() returns trigger
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
  if verdict = 'accept' then
    return new;
  elsif verdict <> 'replay' then
    insert into aegis.checkpoint_quarantine (log, size, note, keep, reason, digest)
      values (new.log, new.size, new.note, new.keep, verdict, sha256(convert_to(
        row(new.log, new.size, encode(new.note, 'hex'), new.keep)::text, 'UTF8')))
      on conflict (digest) do nothing;
  end if;
  return null;
end $$;

create trigger guard before insert on aegis.checkpoints
  for each row execute function aegis.checkpoint_guard();

create trigger append_only before update on aegis.checkpoints
  for each row execute function aegis.refuse();

-- Those not marked to keep may go after a week, as on the topic.
create function aegis.checkpoint_may_go() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if old.keep or old.arrived_at > now() - interval '7 days' then
    raise exception 'aegis.checkpoints: a kept or recent checkpoint of % is not removed', old.log
      using errcode = 'insufficient_privilege';
  end if;
  return old;
end $$;

create trigger may_go before delete on aegis.checkpoints
  for each row execute function aegis.checkpoint_may_go();
