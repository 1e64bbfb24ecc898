-- The past is read newest first, also without knowing what it is about.
create index flow_transitions_newest on kernel.flow_transitions (at desc);
create index outbox_newest on kernel.outbox (occurred_at desc);
