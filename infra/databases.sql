-- Read once by PostgreSQL's image, in the database `prefect` that its environment names.
-- Prefect searches names with trigrams and does not start without them.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE DATABASE mlflow;
-- The state: registered tables, batches, decisions. Where the other two were made by an earlier release, make
-- this one by hand.
CREATE DATABASE realmix;
