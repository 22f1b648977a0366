-- Partitions by ranges of sequence, made ahead. What no partition holds yet goes to the default one,
-- so that a leaf never waits for a partition.

set local role aegis_owner;

create table aegis.audit_partitioning (
  one   boolean primary key default true check (one),
  width bigint  not null check (width > 0),
  ahead integer not null check (ahead > 0)
);
comment on table aegis.audit_partitioning is
  'How partitions are made from now on: sequences per partition, and how many empty ones stand ready.';
insert into aegis.audit_partitioning (width, ahead) values (1000000, 2);

create table aegis.audit_records_rest partition of aegis.audit_records default;
create trigger no_truncate before truncate on aegis.audit_records_rest
  for each statement execute function aegis.refuse();

create view aegis.audit_partitions as
  select c.oid::regclass as partition,
         (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''?(\d+)''?\)'))[1]::bigint as lower,
         (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''?(\d+)''?\)'))[1]::bigint as upper
  from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'aegis.audit_records'::regclass
    and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT';

-- Make the partition that follows the last one. Rows that went to the default partition meanwhile
-- move there with it.
create function aegis.audit_add_partition(width bigint) returns regclass
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  lower bigint := coalesce((select max(p.upper) from aegis.audit_partitions p),
                           (select max(r.sequence) + 1 from aegis.audit_retired r), 0);
  name text := format('audit_records_%s', lpad(lower::text, 12, '0'));
begin
  lock table aegis.audit_records_rest in access exclusive mode;
  execute format('create table aegis.%I (like aegis.audit_records including defaults)', name);
  execute format('insert into aegis.%I select * from aegis.audit_records_rest '
    'where sequence >= $1 and sequence < $2', name) using lower, lower + width;
  if exists (select from aegis.audit_records_rest where sequence >= lower and sequence < lower + width) then
    alter table aegis.audit_records_rest disable trigger append_only;
    delete from aegis.audit_records_rest where sequence >= lower and sequence < lower + width;
    alter table aegis.audit_records_rest enable trigger append_only;
  end if;
  execute format('alter table aegis.audit_records attach partition aegis.%I '
    'for values from (%s) to (%s)', name, lower, lower + width);
  execute format('create trigger no_truncate before truncate on aegis.%I '
    'for each statement execute function aegis.refuse()', name);
  return format('aegis.%I', name)::regclass;
end $$;

-- Make partitions until enough empty ones stand ready; returns how many were made.
create function aegis.audit_make_partitions() returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  rule aegis.audit_partitioning;
  made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('aegis.audit_partitions', 0));
  select * into rule from aegis.audit_partitioning;
  while (select count(*) from aegis.audit_partitions p
         where p.lower >= coalesce((select max(h.next_sequence) from aegis.audit_heads h), 0))
        < rule.ahead loop
    perform aegis.audit_add_partition(rule.width);
    made := made + 1;
  end loop;
  return made;
end $$;

select aegis.audit_make_partitions();
