-- What only simulated regions sell: it carries real prices so that bills can be tried out, and is marked for what it is.
alter table billing.skus add column demo boolean not null default false;
