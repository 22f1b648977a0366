-- Reading leaf bodies in the database: Avro single-object encoding, by the schemas whose fingerprint
-- stands in each body. What a view shows of a body is read from the bytes that were hashed and
-- signed, never from the columns beside them.

set local role aegis_owner;

create table aegis.body_schemas (
  fingerprint bytea primary key,
  name        text  not null,
  type        jsonb not null
);
comment on table aegis.body_schemas is
  'Every version of every body record, names resolved: "string", {"fixed": 32}, {"enum": [...]}, {"union": [...]}, {"array": T}, {"map": T}, {"record": [[name, T], ...]}. Filled by `aegis database prepare`.';
grant select on aegis.body_schemas to aegis_auditor;

-- A zigzag varint of at most 10 bytes at a position (from 0); moves the position behind it.
create function aegis.avro_long(body bytea, inout pos integer, out value bigint)
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  byte integer;
  shift integer := 0;
  bits bigint := 0;
begin
  loop
    byte := get_byte(body, pos);
    pos := pos + 1;
    bits := bits | ((byte & 127)::bigint << shift);
    exit when byte < 128;
    shift := shift + 7;
    if shift > 63 then
      raise exception 'a varint of more than 10 bytes' using errcode = 'data_exception';
    end if;
  end loop;
  value := ((bits >> 1) & 9223372036854775807) # -(bits & 1);
end $$;

-- An IEEE 754 double of 8 bytes, low first. Every step is exact.
create function aegis.avro_double(body bytea, pos integer) returns double precision
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  high integer := get_byte(body, pos + 7);
  next integer := get_byte(body, pos + 6);
  exponent integer := ((high & 127) << 4) | (next >> 4);
  fraction bigint := ((next & 15)::bigint << 48)
    | (get_byte(body, pos + 5)::bigint << 40) | (get_byte(body, pos + 4)::bigint << 32)
    | (get_byte(body, pos + 3)::bigint << 24) | (get_byte(body, pos + 2)::bigint << 16)
    | (get_byte(body, pos + 1)::bigint << 8) | get_byte(body, pos)::bigint;
  sign double precision := case when high >= 128 then -1 else 1 end;
begin
  if exponent = 2047 then
    return case when fraction <> 0 then 'NaN' when sign < 0 then '-Infinity' else 'Infinity' end;
  elsif exponent = 0 then
    return sign * fraction::double precision * power(2::double precision, -1074);
  elsif exponent < 53 then  -- the power alone would be below the smallest double
    return sign * (fraction | 4503599627370496)::double precision
      * power(2::double precision, -1022) * power(2::double precision, exponent - 53);
  end if;
  return sign * (fraction | 4503599627370496)::double precision
    * power(2::double precision, exponent - 1075);
end $$;

-- A value of a type at a position; moves the position behind it.
create function aegis.avro_value(type jsonb, body bytea, inout pos integer, out value jsonb)
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  number bigint;
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
    value := case type when '"string"'
      then to_jsonb(convert_from(substr(body, pos + 1, number::integer), 'UTF8'))
      else to_jsonb(encode(substr(body, pos + 1, number::integer), 'hex')) end;
    pos := pos + number;
  elsif type in ('"long"', '"int"') then
    select * into pos, number from aegis.avro_long(body, pos);
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

-- The fields of a body as one JSON object: times in milliseconds, digests and bytes in hexadecimal.
-- Null if the schema is not known or the bytes are no such record.
create function aegis.body_fields(body bytea) returns jsonb
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  type jsonb;
  whole bytea := body || ''::bytea;
  pos integer;
  value jsonb;
begin
  if length(whole) < 10 or substr(whole, 1, 2) <> '\xc301'::bytea then
    return null;
  end if;
  select s.type into type from aegis.body_schemas s where s.fingerprint = substr(whole, 3, 8);
  if not found then
    return null;
  end if;
  select * into pos, value from aegis.avro_value(type, whole, 10);
  return case when pos = length(whole) then value end;
exception when data_exception or array_subscript_error then
  return null;
end $$;

create function aegis.from_millis(value jsonb) returns timestamptz
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$ select to_timestamp(nullif(value #>> '{}', '')::bigint / 1000.0) $$;

grant execute on function aegis.avro_long(bytea, integer), aegis.avro_double(bytea, integer),
  aegis.avro_value(jsonb, bytea, integer), aegis.body_fields(bytea), aegis.from_millis(jsonb)
  to aegis_auditor;
