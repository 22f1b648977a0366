-- Views that a person can read (docs/audit-database.md). Whatever is not a place in the log or its
-- time is read from the body.

set local role aegis_owner;

-- Six significant digits, as `%.6g` writes them.
create function aegis.short_number(value double precision) returns text
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
set extra_float_digits = -9
as $$ select value::text $$;

-- The shortest digits that give the same double, with a point or an exponent in them.
create function aegis.full_number(value double precision) returns text
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
set extra_float_digits = 1
as $$ select case when value::text ~ '[.einN]' then value::text else value::text || '.0' end $$;

-- One sentence about a gate, the same as `aegis_governance.decision.explain` gives.
create function aegis.gate_message(
  gate text, outcome text, value double precision, threshold double precision, constraints jsonb
) returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  good boolean := outcome = 'passed';
  judged text := aegis.short_number(value);
  bound text := aegis.short_number(threshold);
begin
  if judged = bound and value <> threshold then
    judged := aegis.full_number(value);
    bound := aegis.full_number(threshold);
  end if;
  return case
    when outcome = 'not_evaluated' then 'Not evaluated'
    when gate = 'risk' and not good and constraints ? 'risk_ceiling'
      then format('Proposed risk %s is above the ceiling %s', judged, bound)
    when gate = 'profit' and not good and constraints ? 'profit_floor'
      then format('Proposed profit %s is below the floor %s', judged, bound)
    when gate in ('risk', 'profit') then format('Probability %s of a large %s is %sabove %s', judged,
      case gate when 'risk' then 'rise of risk' else 'adverse change of profit' end,
      case when good then 'not ' else '' end, bound)
    when gate = 'novelty' then format('Novelty value %s is on the %s side of %s', judged,
      case when good then 'right' else 'wrong' end, bound)
    when gate = 'utility' then format('Lower bound %s of utility is %sabove %s', judged,
      case when good then '' else 'not ' end, bound)
    when gate = 'quality' and not good and value >= threshold
      then format('Quality score %s reaches %s, but a subscore is zero', judged, bound)
    else format('%s score %s %s %s', initcap(gate), judged,
      case when good then 'reaches' else 'is below' end, bound)
  end;
end $$;

grant execute on function aegis.short_number(double precision),
  aegis.full_number(double precision),
  aegis.gate_message(text, text, double precision, double precision, jsonb) to aegis_auditor;

create view aegis.decisions as
  select r.log, r.sequence, r.time,
         f.b ->> 'decision_id' as decision_id, f.b ->> 'proposal_id' as proposal_id,
         f.b ->> 'agent_id' as agent_id, f.b ->> 'session_id' as session_id,
         f.b ->> 'status' as status, f.b ->> 'reason' as reason, f.b ->> 'detail' as detail,
         (f.b ->> 'confidence')::double precision as confidence,
         f.b ->> 'phase' as phase, f.b ->> 'impact' as impact,
         f.b ->> 'drift_status' as drift_status,
         (f.b ->> 'drift_risk')::double precision as drift_risk,
         (f.b ->> 'drift_profit')::double precision as drift_profit,
         array(select jsonb_array_elements_text(f.b -> 'constraints')) as constraints,
         (f.b ->> 'override_eligible')::boolean as override_eligible,
         (f.b ->> 'dry_run')::boolean as dry_run, f.b ->> 'mode' as mode,
         aegis.from_millis(f.b -> 'valid_until') as valid_until,
         f.b ->> 'supersedes' as supersedes,
         f.b ->> 'parameters_sha256' as parameters_sha256,
         (f.b ->> 'evaluator')::integer as evaluator
  from aegis.audit_records r cross join lateral aegis.body_fields(r.body) as f (b)
  where r.kind = 'DecisionMade';

create view aegis.gates as
  select r.log, r.sequence, r.time,
         f.b ->> 'decision_id' as decision_id, f.b ->> 'agent_id' as agent_id,
         f.b ->> 'status' as status, g.gate, g.outcome, g.value, g.threshold, g.confidence,
         aegis.gate_message(g.gate, g.outcome, g.value, g.threshold, f.b -> 'constraints') as message
  from aegis.audit_records r cross join lateral aegis.body_fields(r.body) as f (b)
  cross join lateral (
    select n.gate, f.b ->> (n.gate || '_outcome') as outcome,
           (f.b ->> (n.gate || '_value'))::double precision as value,
           (f.b ->> (n.gate || '_threshold'))::double precision as threshold,
           (f.b ->> (n.gate || '_confidence'))::double precision as confidence
    from unnest(array['risk', 'profit', 'novelty', 'complexity', 'quality', 'utility']) as n (gate)
  ) g
  where r.kind = 'DecisionMade';

create view aegis.overrides as
  select r.log, r.sequence, r.time,
         f.b ->> 'override_id' as override_id, f.b ->> 'decision_id' as decision_id,
         f.b ->> 'proposal_id' as proposal_id, f.b ->> 'agent_id' as agent_id,
         f.b ->> 'state' as state, f.b ->> 'actor' as actor, f.b ->> 'role' as role,
         f.b ->> 'justification' as justification,
         aegis.from_millis(f.b -> 'expires_at') as expires_at, f.b ->> 'detail' as detail
  from aegis.audit_records r cross join lateral aegis.body_fields(r.body) as f (b)
  where r.kind = 'OverrideChanged';

create view aegis.rejected_inputs as
  select r.log, r.sequence, r.time,
         f.b ->> 'reason' as reason, f.b ->> 'detail' as detail,
         f.b ->> 'agent_id' as agent_id, f.b ->> 'proposal_id' as proposal_id,
         f.b ->> 'cause_topic' as topic, (f.b ->> 'cause_partition')::integer as partition,
         (f.b ->> 'cause_offset')::bigint as "offset",
         aegis.from_millis(f.b -> 'cause_timestamp') as received_at,
         (f.b ->> 'value_length')::bigint as value_length, f.b ->> 'cause_sha256' as value_sha256
  from aegis.audit_records r cross join lateral aegis.body_fields(r.body) as f (b)
  where r.kind = 'InputRejected';

-- The two that count over everything take the columns, which are indexed copies.
create view aegis.agents as
  select agent_id,
         count(*) filter (where kind = 'DecisionMade') as decisions,
         count(*) filter (where kind = 'DecisionMade' and status = 'proceed') as proceed,
         count(*) filter (where kind = 'DecisionMade' and status = 'pause') as pause,
         count(*) filter (where kind = 'DecisionMade' and status = 'halt') as halt,
         count(*) filter (where kind = 'DecisionMade' and status = 'escalate') as escalate,
         count(*) filter (where kind = 'ProposalRepeated') as repeated,
         count(*) filter (where kind = 'InputRejected') as rejected,
         coalesce((array_agg(status order by log, sequence desc)
                   filter (where kind = 'DriftChanged'))[1], 'unchanged') as last_drift,
         min(time) as first_seen, max(time) as last_seen
  from aegis.audit_records
  where agent_id is not null
  group by agent_id;

create view aegis.activity_per_day as
  select (time at time zone 'UTC')::date as day, kind, coalesce(status, '') as status,
         count(*) as leaves, count(distinct agent_id) as agents
  from aegis.audit_records
  group by 1, 2, 3;

create view aegis.quarantine as
  select 'audit_records' as "table", id, log, sequence as place, reason, arrived_at,
         kind, agent_id, decision_id
  from aegis.audit_quarantine
  union all
  select 'checkpoints', id, log, size, reason, arrived_at, null, null, null
  from aegis.checkpoint_quarantine;

-- Leaf hashes of a log, retired or not: what chain and tree are recomputed from.
create view aegis.leaf_hashes as
  select log, sequence, leaf_hash, true as retired from aegis.audit_retired
  union all
  select log, sequence, leaf_hash, false from aegis.audit_records;

grant select on all tables in schema aegis to aegis_auditor;
