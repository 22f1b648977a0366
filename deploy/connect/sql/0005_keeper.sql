-- The role of the sink's keeper (`aegis sink run`): it reads like an auditor, and makes partitions.

do $$
begin
  if not exists (select from pg_roles where rolname = 'aegis_keeper') then
    create role aegis_keeper nologin;
  end if;
end $$;
grant aegis_auditor to aegis_keeper;

set local role aegis_owner;
grant execute on function aegis.audit_make_partitions() to aegis_keeper;
