-- `mode` is what the run really does: `shadow` or `production`. `rollout` is the mode of the
-- installation when it was created: `shadow`, `pilot` or `production`.
ALTER TABLE pipeline_runs ADD COLUMN mode TEXT NOT NULL DEFAULT 'production';
ALTER TABLE pipeline_runs ADD COLUMN rollout TEXT NOT NULL DEFAULT 'production';
CREATE INDEX pipeline_runs_mode ON pipeline_runs (mode, id);
