-- The rows that bench/panel.py measures with, the same every time. Asked for by the settings
-- bench.calls, bench.leads, bench.password (a hash) and bench.key (a hash). A quarter of the calls are the first tenant's; the others
-- shrink from tenant to tenant. Run as superuser on a fresh database: no triggers, no foreign keys
-- looked up, since every reference is right by construction.

set session_replication_role = replica;

create function pg_temp.asked(name text) returns bigint
    language sql immutable
    return current_setting('bench.' || name)::bigint;

create function pg_temp.pick(n bigint, salt int, below int) returns int
    language sql immutable
    return ((hashint8extended(n, salt) >> 2) & 1073741823) % below;

create function pg_temp.owner_of(n bigint) returns int
    language sql immutable
    return case when pg_temp.pick(n, 1, 4) = 0 then 1
                else 2 + (39 * power(pg_temp.pick(n, 2, 1000) / 1000.0::float8, 1.6::float8))::int % 39 end;

create function pg_temp.person(n bigint) returns text
    language sql immutable
    return (array['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Ken', 'Radia',
                  'Linus', 'Margaret', 'Dennis'])[1 + pg_temp.pick(n, 3, 12)] || ' '
        || (array['Byron', 'Hopper', 'Turing', 'Miller', 'Liskov', 'Smith', 'Allen', 'Jones',
                  'Garcia', 'Brown', 'Okafor', 'Nguyen', 'Meyer'])[1 + pg_temp.pick(n, 4, 13)];

create function pg_temp.said(n bigint) returns text
    language sql immutable
    return (array[
        'I would like to make an appointment for next week, if you still have something free.',
        'Do you have parking behind the house, and what does it cost for the afternoon?',
        'Could you please put me through to somebody who knows about invoices?',
        'You are welcome to park behind the house. Is there anything else I can do for you?',
        'We are open on weekdays from nine to half past five, and closed on public holidays.',
        'My number is two one two, five five five, and then zero one four two.',
        'Thank you, I have noted that. May I read it back to you once more?',
        'Yes, that is right. Please have somebody call me back in the morning.',
        'Good day, you have reached the office. How can I help you today?',
        'I am sorry, I do not know that. Shall I take a message for my colleagues?',
        'The heating makes a noise since yesterday, and the water does not get warm.',
        'No, thank you, that was all. Goodbye.'
    ])[1 + pg_temp.pick(n, 5, 12)]
        || case when pg_temp.pick(n, 6, 250) = 0 then ' It is about the boiler.' else '' end
        || case when pg_temp.pick(n, 7, 100000) = 0 then ' And about a zeppelin.' else '' end
        || ' ' || pg_temp.person(n);

insert into tenant (id, public_id, name, slug, timezone, status)
select n, md5('tenant' || n), 'Business ' || n, 'business-' || n, 'America/New_York', 'active'
from generate_series(1, 40) n;

insert into receptionist_config (tenant_id, greeting)
select n, 'Good day, how can I help you?' from generate_series(1, 40) n;

insert into twilio_number (id, tenant_id, number, label)
select n, n, '+1212555' || lpad((100 + n)::text, 4, '0'), 'main line' from generate_series(1, 40) n;

insert into department (id, tenant_id, name, description, numbers, position)
select n, (n - 1) / 4 + 1, (array['Sales', 'Repairs', 'Invoices', 'Office'])[1 + n % 4],
    'Whoever asks for it', array['+12125550199'], (n - 1) % 4 + 1
from generate_series(1, 160) n;

insert into opening_hours (tenant_id, weekday, opens, closes)
select n / 5 + 1, n % 5, '09:00', '17:30' from generate_series(0, 199) n;

insert into holiday (tenant_id, day, name)
select n / 10 + 1, current_date + 30 * (n % 10), 'Closed' from generate_series(0, 399) n;

insert into knowledge_entry (tenant_id, question, answer, alternates, category, updated_at)
select case when n < 2000 then 1 else 2 + n % 39 end, 'Question ' || n || ': ' || pg_temp.said(n),
    pg_temp.said(n + 1) || ' ' || pg_temp.said(n + 2), array[pg_temp.said(n + 3)], 'general', now()
from generate_series(0, 9999) n;

insert into ab_user (id, first_name, last_name, username, password, active, email, tenant_id)
select n, 'Person', n::text, 'person' || n, current_setting('bench.password'), true, 'person' || n || '@example.com',
    case when n = 1 then null else (n - 2) / 10 + 1 end
from generate_series(1, 401) n;

insert into ab_user_role (id, user_id, role_id)
select u.id, u.id, r.id from ab_user u join ab_role r on r.name = case
    when u.id = 1 then 'Super Admin' when u.id % 10 = 2 then 'Tenant Admin' else 'Agent' end;

insert into api_key (tenant_id, name, prefix, key_hash, role, scopes)
select n, 'Script', 'rk_bench', case when n = 1 then current_setting('bench.key') else md5(n::text) || md5('x' || n) end,
    'Tenant Admin', array['read']
from generate_series(1, 40) n;

insert into webhook_endpoint (id, tenant_id, public_id, url, events)
select n, n, md5('hook' || n), 'https://hooks.example.com/' || n, array['call.ended']
from generate_series(1, 40) n;

-- Through a year, the newest last; a lead for as many as asked for, evenly.
insert into call_session (
    id, tenant_id, call_sid, channel, number_id, caller, called, state, outcome, turn, memory,
    started_at, last_turn_at, ended_at, duration, answers, tokens_in, tokens_out, created_at,
    updated_at
)
select n, tenant, 'CA' || md5(n::text), 
    case when pg_temp.pick(n, 8, 50) = 0 then 'test' else 'phone' end, tenant, '+1303' || lpad(pg_temp.pick(n, 9, 3000000)::text, 7, '0'),
    '+1212555' || lpad((100 + tenant)::text, 4, '0'),
    case when n > pg_temp.asked('calls') - 10 then 'intent' else 'ended' end,
    case when n > pg_temp.asked('calls') - 10 then null
         when n * pg_temp.asked('leads') / pg_temp.asked('calls') > (n - 1) * pg_temp.asked('leads') / pg_temp.asked('calls') then 'lead'
         else (array['answered', 'answered', 'answered', 'transferred', 'transferred', 'abandoned',
                     'abandoned', 'blocked', 'failed'])[1 + pg_temp.pick(n, 10, 9)] end,
    6, jsonb_build_object('name', pg_temp.person(n), 'reason', pg_temp.said(n), 'history',
                          jsonb_build_array(pg_temp.said(n + 1), pg_temp.said(n + 2))),
    began, began + interval '90 s', began + interval '2 min', 20 + pg_temp.pick(n, 11, 400),
    pg_temp.pick(n, 12, 4), 2000 + pg_temp.pick(n, 13, 3000), 200 + pg_temp.pick(n, 14, 300), began,
    began
from (
    select n, pg_temp.owner_of(n) as tenant,
        now() - (pg_temp.asked('calls') - n) * (interval '365 days' / pg_temp.asked('calls'))
            - pg_temp.pick(n, 15, 3600) * interval '1 s' as began
    from generate_series(1::bigint, pg_temp.asked('calls')) n
) call;

insert into transcript (tenant_id, call_id, turn, speaker, text, state, evidence, created_at)
select c.tenant_id, c.id, u / 2, case when u % 2 = 0 then 'receptionist' else 'caller' end,
    pg_temp.said(c.id * 20 + u), 'intent',
    jsonb_build_object('tier', 'model', 'ms', pg_temp.pick(c.id, 16, 900)),
    c.started_at + u * interval '7 s'
from call_session c, generate_series(0, 3 + pg_temp.pick(c.id, 17, 7)) u;

insert into call_summary (tenant_id, call_id, text, tier, created_at)
select tenant_id, id, pg_temp.said(id) || ' ' || pg_temp.said(id + 7), 'offline', ended_at
from call_session where outcome is not null;

insert into transfer_attempt (tenant_id, call_id, department_id, turn, numbers, status, created_at)
select tenant_id, id, (tenant_id - 1) * 4 + 1 + pg_temp.pick(id, 18, 4), 3, array['+12125550199'],
    'answered', started_at
from call_session where outcome = 'transferred';

insert into recording (tenant_id, call_id, recording_sid, source, status, duration, created_at)
select tenant_id, id, 'RE' || md5(id::text), 'message', 'completed', 20, started_at
from call_session where pg_temp.pick(id, 19, 10) = 0;

insert into lead (
    tenant_id, call_id, department_id, name, phone, email, reason, known, confirmed, urgent, test,
    status, due, created_at, updated_at
)
select tenant_id, id, (tenant_id - 1) * 4 + 1 + pg_temp.pick(id, 18, 4), pg_temp.person(id), caller,
    'caller' || id || '@example.com', pg_temp.said(id), '{"name": "confirmed"}', true,
    pg_temp.pick(id, 20, 20) = 0, channel = 'test',
    case when started_at > now() - interval '14 days' then 'new'
         else (array['contacted', 'done', 'done', 'lost', 'spam'])[1 + pg_temp.pick(id, 21, 5)] end,
    started_at::date + 2, ended_at, ended_at
from call_session where outcome = 'lead';

insert into knowledge_gap (tenant_id, question, folded, asked, last_asked_at)
select tenant_id, 'Question about ' || id, 'question about ' || id, 1 + pg_temp.pick(id, 22, 30),
    ended_at
from call_session where pg_temp.pick(id, 23, 100) = 0 and outcome is not null;

insert into spend_ledger (tenant_id, call_id, kind, quantity, key, created_at)
select c.tenant_id, c.id, kind, 100, kind || ':' || c.id, c.ended_at
from call_session c, unnest(array['call_seconds', 'tokens_in', 'tokens_out']) kind
where c.outcome is not null;

-- Finished ones are kept for 30 days.
insert into job (
    tenant_id, kind, key, args, call_id, webhook_id, status, attempts, result, run_at, finished_at,
    created_at
)
select c.tenant_id, kind, kind || ':' || c.id, jsonb_build_object('call_id', c.id), c.id,
    case when kind = 'webhook_out' then c.tenant_id end, 'done', 1,
    jsonb_build_object('text', pg_temp.said(c.id)), c.ended_at, c.ended_at, c.ended_at
from call_session c, unnest(array['summarise_call', 'call_summary_mail', 'webhook_out']) kind
where c.started_at > now() - interval '30 days';

insert into audit_log (tenant_id, actor, address, action, entity, entity_id, changes, created_at)
select tenant_id, 'user:person' || tenant_id * 10 - 8, '192.0.2.1', 'edit', 'Lead', id,
    '{"status": "0123456789abcdef0123456789abcdef"}', updated_at
from lead where status <> 'new';

select setval(pg_get_serial_sequence(name, 'id'), 10000000)
from unnest(array['tenant', 'twilio_number', 'department', 'ab_user', 'ab_user_role',
                  'webhook_endpoint', 'call_session']) name;

set session_replication_role = default;
