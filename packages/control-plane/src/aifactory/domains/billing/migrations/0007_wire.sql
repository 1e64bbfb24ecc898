-- How lists that are built in SQL say money and where the next page begins; the same as kernel/money.py and pagination.py.

create function billing.money(p_amount numeric, p_currency text) returns jsonb language sql stable parallel safe as $$
    select case when p_amount is null then null else jsonb_build_object('amount',
        round(p_amount, greatest(scale(trim_scale(p_amount)), coalesce((select c.minor_digits from billing.currencies c where c.code = p_currency), 2)))::text,
        'currency', p_currency) end
$$;

create function billing.instant(p_at timestamptz) returns text language sql immutable parallel safe as $$
    select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
           || case when p_at = date_trunc('second', p_at, 'UTC') then '' else '.' || to_char(p_at at time zone 'UTC', 'US') end || 'Z'
$$;

create function billing.page_cursor(variadic p_key text[]) returns text language sql immutable parallel safe as $$
    select rtrim(translate(encode(convert_to(array_to_json(p_key)::text, 'UTF8'), 'base64'), E'+/\n', '-_'), '=')
$$;
