-- A replayed event lies behind its consumer's scan: move the scan back to it. As a function, because an operator may
-- replay but not otherwise move a consumer.
create function kernel.rescan(consumer text, event text) returns void language sql security definer set search_path = '' as $$
  update kernel.consumers c set scanned_to = least(c.scanned_to, o.occurred_at - interval '1 second')
  from kernel.outbox o where o.id = event and c.name = consumer
$$;
revoke all on function kernel.rescan from public;
grant execute on function kernel.rescan to aif_operator, aif_worker;
create policy owner_rescan on kernel.outbox for select to current_user using (true);
