-- An operator who credits an outage locks the hold, so that no settlement of it runs at the same time.
-- `for update` asks for the right to update at least one column; this one says nothing.
grant update (updated_at) on billing.holds to aif_operator;
