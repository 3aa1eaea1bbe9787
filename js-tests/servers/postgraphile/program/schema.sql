-- A table of people with passwords, the function that exchanges a password for a token, and one that needs a token.
-- The variable `lifetime` is that of tokens, in seconds.

create extension pgcrypto;
create schema app;
create schema private;
create role visitor;
create role reader;
grant usage on schema app to visitor, reader;

create table private.person (
  id serial primary key,
  username text unique not null,
  password_hash text not null
);
insert into private.person (username, password_hash)
  values ('reader', crypt('correct-horse-battery', gen_salt('bf', 4)));

create table private.settings (lifetime integer not null);
insert into private.settings values (:lifetime);

create type app.jwt as (role text, exp bigint, person_id integer);

create function app.authenticate(username text, password text) returns app.jwt
  language sql volatile strict security definer as $$
    select ('reader', floor(extract(epoch from now()))::bigint + settings.lifetime, person.id)::app.jwt
      from private.person, private.settings
      where person.username = authenticate.username
        and person.password_hash = crypt(authenticate.password, person.password_hash)
  $$;

create function app.me() returns text
  language sql stable security definer as $$
    select username from private.person
      where id = nullif(current_setting('jwt.claims.person_id', true), '')::integer
  $$;
