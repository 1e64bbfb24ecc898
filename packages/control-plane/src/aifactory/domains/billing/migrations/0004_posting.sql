-- The only writer of the ledger: locks the wallet, answers a repeated key with the first posting, refuses what the
-- wallet cannot pay, then writes entry, lines and balance together.
-- outcome: posted | replayed | insufficient (nothing was written; available and held are what there is).
create function billing.post_entry(
    p_entry_id text, p_money_key text, p_kind text, p_tenant_id text, p_account_id text, p_currency text,
    p_subject_id text, p_reason text, p_accounts text[], p_amounts numeric[], p_reverses text default null,
    out outcome text, out entry_id text, out available numeric, out held numeric, out version bigint)
language plpgsql security definer set search_path = pg_catalog as $$
declare
    v_at timestamptz;
    v_fingerprint text := md5(concat_ws('|', p_kind, p_account_id, p_currency, p_subject_id, p_reverses, p_accounts::text, p_amounts::text));
    v_known billing.money_keys;
    v_available numeric := 0;
    v_held numeric := 0;
begin
    if current_setting('role') = 'aif_tenant' and p_kind not in ('hold', 'hold_release') then
        raise exception 'a tenant''s request cannot post %', p_kind using errcode = 'insufficient_privilege';
    end if;
    for i in 1 .. cardinality(p_accounts) loop
        if p_accounts[i] = 'wallet.available' then v_available := v_available + p_amounts[i];
        elsif p_accounts[i] = 'wallet.held' then v_held := v_held + p_amounts[i];
        elsif p_kind in ('hold', 'hold_release') then
            raise exception 'a % moves money inside the wallet only', p_kind using errcode = 'AF011';
        end if;
    end loop;

    select w.available, w.held, w.version into available, held, version
      from billing.wallets w where w.account_id = p_account_id and w.currency = p_currency and w.tenant_id = p_tenant_id for update;
    if not found then
        raise exception 'there is no wallet % in %', p_account_id, p_currency using errcode = 'AF012';
    end if;

    select * into v_known from billing.money_keys k where k.tenant_id = p_tenant_id and k.money_key = p_money_key;
    if found then
        if v_known.fingerprint <> v_fingerprint then
            raise exception 'the money key % was used for another posting', p_money_key using errcode = 'AF013';
        end if;
        outcome := 'replayed';
        entry_id := v_known.entry_id;
        return;
    end if;

    if p_kind = 'hold' and available + v_available < 0 then
        outcome := 'insufficient';
        return;
    end if;
    if held + v_held < 0 then
        raise exception 'more than is held would be taken from wallet %', p_account_id using errcode = 'AF014';
    end if;

    v_at := kernel.now();
    outcome := 'posted';
    entry_id := p_entry_id;
    available := available + v_available;
    held := held + v_held;
    version := version + 1;
    insert into billing.money_keys (tenant_id, money_key, entry_id, occurred_at, fingerprint)
        values (p_tenant_id, p_money_key, p_entry_id, v_at, v_fingerprint);
    insert into billing.ledger_entries (id, occurred_at, tenant_id, account_id, currency, kind, money_key, subject_id, reason, reverses, created_by)
        values (p_entry_id, v_at, p_tenant_id, p_account_id, p_currency, p_kind, p_money_key, p_subject_id, p_reason, p_reverses,
                coalesce(kernel.principal(), 'unknown'));
    if p_reverses is not null then
        insert into billing.reversals (tenant_id, entry_id, reversed_by) values (p_tenant_id, p_reverses, p_entry_id);
    end if;
    insert into billing.ledger_lines (entry_id, line_no, occurred_at, tenant_id, account_id, account, currency, amount)
        select p_entry_id, l.line_no, v_at, p_tenant_id, p_account_id, l.account, p_currency, l.amount
          from unnest(p_accounts, p_amounts) with ordinality as l (account, amount, line_no);
    update billing.wallets w set available = post_entry.available, held = post_entry.held, version = post_entry.version, updated_at = v_at
     where w.account_id = p_account_id and w.currency = p_currency;
end $$;
revoke all on function billing.post_entry(text, text, text, text, text, text, text, text, text[], numeric[], text) from public;
grant execute on function billing.post_entry(text, text, text, text, text, text, text, text, text[], numeric[], text)
    to aif_tenant, aif_worker, aif_operator;
