-- The one place where time becomes money. Integer arithmetic up to the last step, so half-even is exact.

-- numerator / denominator, rounded half-even to `digits` places.
create function billing.divide_half_even(p_numerator numeric, p_denominator bigint, p_digits int) returns numeric
language sql immutable strict parallel safe as $$
    select case when 2 * r.rest > r.bottom or (2 * r.rest = r.bottom and mod(r.whole, 2) = 1)
                then (r.whole + 1) else r.whole end * power(10::numeric, -p_digits)
      from (select div(top, bottom) as whole, mod(top, bottom) as rest, bottom
              from (select p_numerator * power(10::numeric, p_digits) as top, p_denominator::numeric as bottom) as scaled) as r
$$;
comment on function billing.divide_half_even is 'for amounts that are not negative';

create function billing.exact_amount(p_seconds bigint, p_price_per_hour numeric) returns numeric
language sql immutable strict parallel safe as
$$ select billing.divide_half_even(p_seconds * p_price_per_hour, 3600, 9)::numeric(28,9) $$;

create function billing.round_minor(p_amount numeric, p_currency text) returns numeric
language sql stable strict parallel safe as
$$ select billing.divide_half_even(p_amount, 1, c.minor_digits)::numeric(28,9) from billing.currencies c where c.code = p_currency $$;

create function billing.ceil_minor(p_amount numeric, p_currency text) returns numeric
language sql stable strict parallel safe as
$$ select (ceil(p_amount * power(10::numeric, c.minor_digits)) * power(10::numeric, -c.minor_digits))::numeric(28,9)
     from billing.currencies c where c.code = p_currency $$;

-- The seconds of a span under each price that holds in it: one row per price, oldest first.
create function billing.priced(p_sku text, p_region_id text, p_span tstzmultirange)
returns table (price_id text, currency text, price_per_hour numeric, billable tstzmultirange, seconds bigint, exact_amount numeric, amount numeric)
language sql stable as $$
    with timeline as (
        select p.id, p.currency, p.amount_per_hour,
               tstzrange(p.effective_at, lead(p.effective_at) over (order by p.effective_at)) as holds
          from billing.prices p where p.sku = p_sku and p.region_id = p_region_id
    ), cut as (
        select t.id, t.currency, t.amount_per_hour, p_span * tstzmultirange(t.holds) as billable from timeline t
    ), counted as (
        select c.*, (select sum(extract(epoch from upper(r) - lower(r)))::bigint from unnest(c.billable) as r) as seconds
          from cut c where not isempty(c.billable)
    )
    select c.id, c.currency, c.amount_per_hour, c.billable, c.seconds,
           billing.exact_amount(c.seconds, c.amount_per_hour),
           billing.round_minor(billing.exact_amount(c.seconds, c.amount_per_hour), c.currency)
      from counted c order by lower(c.billable)
$$;

-- When a subject was billable between two instants: [opened, closed) or until p_until, without its pauses.
create function billing.billable(p_subjects text[], p_from timestamptz, p_until timestamptz)
returns table (subject_id text, tenant_id text, project_id text, sku text, region_id text, dims jsonb, opened_at timestamptz, closed_at timestamptz, span tstzmultirange)
language sql stable as $$
    select o.subject_id, o.tenant_id, o.project_id, o.sku, o.region_id, o.dims, o.at, c.at,
           (tstzmultirange(tstzrange(o.at, greatest(o.at, least(c.at, date_trunc('second', p_until, 'UTC')))))
            * tstzmultirange(tstzrange(p_from, null)))
           - coalesce((select range_agg(tstzrange(p.from_at, p.to_at)) from billing.meter_pauses p
                        where p.tenant_id = o.tenant_id and p.subject_id = o.subject_id), '{}'::tstzmultirange)
      from billing.meter_transitions o
      left join billing.meter_transitions c on c.tenant_id = o.tenant_id and c.subject_id = o.subject_id and c.kind = 'closed'
     where o.kind = 'opened' and o.subject_id = any (p_subjects)
$$;

-- Until when an amount lasts for a subject that keeps running; p_horizon when it lasts longer.
create function billing.covered_until(p_subject_id text, p_amount numeric, p_horizon timestamptz) returns timestamptz
language sql stable as $$
    with pieces as (
        select lower(r) as from_at, upper(r) as to_at, p.price_per_hour,
               extract(epoch from upper(r) - lower(r)) * p.price_per_hour as cost
          from billing.billable(array[p_subject_id], '-infinity', p_horizon) as b
          cross join lateral billing.priced(b.sku, b.region_id, b.span) as p
          cross join lateral unnest(p.billable) as r
    ), summed as (
        select pieces.*, coalesce(sum(cost) over (order by from_at rows between unbounded preceding and 1 preceding), 0) as before from pieces
    )
    select coalesce(
        (select s.from_at + make_interval(secs => div(p_amount * 3600 - s.before, s.price_per_hour)::double precision)
           from summed s where s.before + s.cost > p_amount * 3600 order by s.from_at limit 1),
        p_horizon)
$$;
